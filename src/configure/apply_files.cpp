// Files, directories and links.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <format>

#include "base/strings.h"
#include "cloud/user_data.h"
#include "configure/accounts.h"
#include "configure/apply.h"
#include "configure/digest.h"
#include "configure/fetching.h"
#include "configure/instance_store.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

struct FileSpec {
    std::string path, kind, target, content, source, digest, owner, group;
    mode_t mode = 0644;
    bool has_mode = false, append = false, overwrite = true;
    bool replaces = false;  // whatever is there, a directory with what is in it, too: only who says so wants that
};

Result<FileSpec> decode(const std::string& path, const Value& said) {
    FileSpec file{.path = path,
                  .kind = said.text_of("kind", "file"),
                  .target = said.text_of("target"),
                  .content = said.at("content").scalar_text(),
                  .source = said.text_of("source"),
                  .digest = said.text_of("digest"),
                  .owner = said.at("owner").scalar_text(),
                  .group = said.at("group").scalar_text(),
                  .has_mode = said.has("mode"),
                  .append = said.boolean_of("append"),
                  .overwrite = said.boolean_of("overwrite", true),
                  .replaces = said.boolean_of("overwrite")};
    const auto mode = said.text_of("mode", file.kind == "directory" ? "0755" : "0644");
    file.mode = static_cast<mode_t>(std::stoul(mode, nullptr, 8));
    if (said.has("content_base64")) {
        auto bytes = decode_base64(said.text_of("content_base64"));
        if (!bytes) return said.error("content_base64", "is not base64");
        file.content = std::move(*bytes);
    }
    if (!file.digest.empty()) {
        if (auto check = DigestCheck::create(file.digest); !check) return said.error("digest", check.error().what());
    }
    if (file.kind.ends_with("link") && file.target.empty()) return said.error("target", "a link needs one");
    return file;
}

// By number, or by what passwd and group say at this moment.
Result<unsigned> id_of(const Root& root, const std::string& name, const char* database) {
    if (const auto number = parse_uint(name)) return static_cast<unsigned>(*number);
    const auto text = TRY(sys::read_file(root.at(database)));
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() > 2 && fields[0] == name) {
            if (const auto id = parse_uint(fields[2])) return static_cast<unsigned>(*id);
        }
    }
    return fail(Kind::not_found, "{} has no \"{}\"", database, name);
}

Result<void> give_away(const Root& root, const FileSpec& file, const std::string& path) {
    if (file.owner.empty() && file.group.empty()) return {};
    const auto owner = file.owner.empty() ? uid_t(-1) : TRY(id_of(root, file.owner, "/etc/passwd"));
    const auto group = file.group.empty() ? gid_t(-1) : TRY(id_of(root, file.group, "/etc/group"));
    if (::lchown(path.c_str(), owner, group) < 0) return fail_errno(errno, "give it to {}:{}", file.owner, file.group);
    return {};
}

Result<void> make_link(const Root& root, const FileSpec& file, const std::string& path) {
    const auto temporary = path + ".diatom-new";
    TRY(sys::remove_file(temporary));
    const bool hard = file.kind == "hardlink";
    const int made = hard ? ::link(root.at(file.target).c_str(), temporary.c_str())
                          : ::symlink(file.target.c_str(), temporary.c_str());
    if (made < 0) return fail_errno(errno, "link to {}", file.target);
    if (!hard) TRY(give_away(root, file, temporary));
    return sys::rename_path(temporary, path);
}

Result<void> set_mode(const FileSpec& file, const std::string& path) {
    if (::chmod(path.c_str(), file.mode) < 0) return fail_errno(errno, "set its mode");
    return {};
}

// Its owner, its mode, and its place.
Result<void> finish(const Root& root, const FileSpec& file, const std::string& temporary, const std::string& path) {
    TRY(give_away(root, file, temporary));
    TRY(set_mode(file, temporary));
    TRY(sys::sync_fd(TRY(sys::open_path(temporary, O_RDONLY))));
    TRY(sys::rename_path(temporary, path));
    return sys::sync_dir(std::filesystem::path(path).parent_path());
}

// What is added to keeps its mode and its owner, where nothing else is said.
void take_over(FileSpec& file, const std::string& path) {
    const auto there = sys::stat_path(path);
    if (!there) return;
    if (!file.has_mode) file.mode = there->st_mode & 07777U;
    if (file.owner.empty()) file.owner = std::to_string(there->st_uid);
    if (file.group.empty()) file.group = std::to_string(there->st_gid);
}

Result<void> write_regular(const Root& root, FileSpec file, const std::string& path) {
    std::string content = file.content;
    if (file.append) {
        const auto old = sys::exists(path) ? TRY(sys::read_file(path)) : std::string();
        // What was appended at the last boot is there where the path lies on the state partition.
        content = old.ends_with(content) ? old : old + content;
        take_over(file, path);
    }
    const auto temporary = path + ".diatom-new";
    TRY(sys::remove_file(temporary));
    TRY(sys::write_file(temporary, content, 0600));
    return finish(root, file, temporary, path);
}

Result<void> check_digest(const FileSpec& file, const std::string& path) {
    if (file.digest.empty()) return {};
    auto check = TRY(DigestCheck::create(file.digest));
    const auto fd = TRY(sys::open_path(path, O_RDONLY));
    std::string buffer(256U << 10U, '\0');
    for (;;) {
        const auto got = ::read(fd.raw(), buffer.data(), buffer.size());
        if (got < 0) return fail_errno(errno, "read {}", path);
        if (got == 0) return check.finish();
        check.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    }
}

Result<void> copy_file(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::copy_file(from, to, error);
    if (error) return fail_errno(error.value(), "copy {}", from);
    return {};
}

// What was fetched lies on the state partition, for /etc and the like are empty at the next boot. It is fetched again
// only where it is another source, or not what the digest says.
Result<void> fetch_regular(const Root& root, const FileSpec& file, Fetching* fetching, const std::string& path) {
    if (fetching == nullptr) return fail(Kind::unavailable, "nothing can be fetched here");
    const auto kept = kept_file(root, file.source, file.digest);
    if (!sys::exists(kept) || !check_digest(file, kept)) {
        TRY(sys::make_dirs(kept.substr(0, kept.rfind('/')), 0700));
        const auto temporary = kept + ".new";
        TRY(sys::remove_file(temporary));
        const auto fd = TRY(sys::open_path(temporary, O_RDWR | O_CREAT | O_EXCL, 0600));
        TRY(fetching->download({.url = file.source}, fd), "fetch {}", cloud::shown_url(file.source));
        TRY(check_digest(file, temporary), "{}", cloud::shown_url(file.source));
        TRY(sys::sync_fd(fd));
        TRY(sys::rename_path(temporary, kept));
    }
    const auto temporary = path + ".diatom-new";
    TRY(sys::remove_file(temporary));
    // One file under two names, where both are on the state partition: what is fetched may be large. Not under three,
    // for they would have one mode.
    const auto original = TRY(sys::stat_path(kept));
    const auto there = sys::stat_path(path);
    const bool owned = !file.owner.empty() || !file.group.empty();
    const bool same = there && there->st_dev == original.st_dev && there->st_ino == original.st_ino;
    if (same && !owned) return set_mode(file, path);
    const bool linked = !owned && original.st_nlink == 1 && ::link(kept.c_str(), temporary.c_str()) == 0;
    if (!linked) TRY(copy_file(kept, temporary));
    return finish(root, file, temporary, path);
}

// Another kind of thing goes, and so does, once in the life of an instance, what is in a directory.
Result<void> make_room(const Root& root, const FileSpec& file, const std::string& path) {
    struct stat there{};
    if (!file.replaces || ::lstat(path.c_str(), &there) < 0) return {};
    const bool is_directory = S_ISDIR(there.st_mode), wanted = file.kind == "directory";
    if (!is_directory) return wanted ? sys::remove_file(path) : Result<void>();
    if (!wanted) return sys::remove_tree(path);
    const InstanceStore store(root);
    const auto name = "emptied-" + sha256_hex(file.path).substr(0, 32);
    if (store.current().empty() || store.was_done(name)) return {};
    TRY(sys::remove_tree(path));
    return store.set_done(name);
}

Result<void> make_directory(const Root& root, const FileSpec& file, const std::string& path) {
    const bool there = sys::exists(path);
    TRY(sys::make_dirs(path, file.mode));
    // One that is there keeps its mode where nothing is said.
    if (file.has_mode || !there) TRY(set_mode(file, path));
    return give_away(root, file, path);
}

Result<void> put(const Root& root, const FileSpec& file, Fetching* fetching) {
    const auto path = root.at(file.path);
    if (file.kind != "directory" && !file.overwrite && !file.append && sys::exists(path)) return {};
    TRY(sys::make_dirs(std::filesystem::path(path).parent_path()));
    TRY(make_room(root, file, path));
    if (file.kind == "file" && !file.source.empty()) return fetch_regular(root, file, fetching, path);
    if (file.kind == "file") return write_regular(root, file, path);
    return file.kind == "directory" ? make_directory(root, file, path) : make_link(root, file, path);
}

}  // namespace

std::string kept_file(const Root& root, const std::string& source, const std::string& digest) {
    const InstanceStore store(root);
    return std::format("{}/files/{}", store.directory(store.current()),
                       sha256_hex(source + "\n" + digest).substr(0, 32));
}

void plan_files(const Value& machine, Phase phase, const Root& root, Fetching* fetching, Plan& plan) {
    for (const auto& [path, said] : machine.at("files").members()) {
        const bool late = said.text_of("when", "boot") == "late";
        if (phase != Phase::live && late != (phase == Phase::late)) continue;
        auto file = decode(path, said);
        const auto key = std::format("files.\"{}\"", path);
        if (!file) {
            plan.refused.push_back(std::format("{}: {}", key, file.error().what()));
            continue;
        }
        plan.steps.push_back({key, std::format("make the {} {}", file->kind, path),
                              [=, file = std::move(*file)] { return put(root, file, fetching); }});
    }
}

}  // namespace diatom::configure
