#include "image/tree_archive.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <format>
#include <optional>

#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr std::size_t kMaxDepth = 512;
constexpr std::size_t kMaxXattr = 64U << 10U;  // the kernel's own limit of names and of a value

std::optional<EntryType> type_of(mode_t mode) noexcept {
    if (S_ISREG(mode)) return EntryType::file;
    if (S_ISDIR(mode)) return EntryType::directory;
    if (S_ISLNK(mode)) return EntryType::symlink;
    if (S_ISCHR(mode)) return EntryType::character_device;
    if (S_ISBLK(mode)) return EntryType::block_device;
    if (S_ISFIFO(mode)) return EntryType::fifo;
    return std::nullopt;  // a socket
}

void describe(TarEntry& entry, const struct stat& status) {
    entry.mode = status.st_mode & 07777U;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime = status.st_mtim;
    entry.device = status.st_rdev;
    entry.size = static_cast<std::uint64_t>(status.st_size);
}

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

std::string magic_path(FdRef directory, const std::string& name) {
    return std::format("/proc/self/fd/{}/{}", directory.raw(), name);
}

bool is_opaque(FdRef directory) {
    char value = 0;
    return ::lgetxattr(magic_path(directory, ".").c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

// What extract.cpp takes back: attributes of the user and capabilities of files.
std::vector<std::pair<std::string, std::string>> xattrs_of(FdRef directory, const std::string& name) {
    const auto path = magic_path(directory, name);
    std::vector<std::pair<std::string, std::string>> found;
    std::string names(kMaxXattr, '\0');
    const auto size = ::llistxattr(path.c_str(), names.data(), names.size());
    for (ssize_t at = 0; at < size;) {
        const std::string key(names.data() + at);
        at += static_cast<ssize_t>(key.size()) + 1;
        if (!key.starts_with("user.") && key != "security.capability") continue;
        std::string value(kMaxXattr, '\0');
        const auto length = ::lgetxattr(path.c_str(), key.c_str(), value.data(), value.size());
        if (length < 0) continue;  // went away meanwhile
        value.resize(static_cast<std::size_t>(length));
        found.emplace_back(key, std::move(value));
    }
    std::ranges::sort(found);
    return found;
}

Result<std::string> link_target(FdRef directory, const std::string& name) {
    std::string target(PATH_MAX, '\0');
    const auto length = ::readlinkat(directory.raw(), name.c_str(), target.data(), target.size());
    if (length < 0) return fail_errno(errno, "read the link");
    target.resize(static_cast<std::size_t>(length));
    return target;
}

std::string join(const std::string& path, const std::string& name) {
    return path.empty() || path.ends_with('/') ? path + name : path + "/" + name;
}

bool gone(const Error& error) {
    return error.error_number() == ENOENT || error.error_number() == ENOTDIR || error.error_number() == ELOOP;
}

}  // namespace

TreeArchive::TreeArchive(Fd place, std::string name, std::string as, Upper upper)
    : place_(std::move(place)), name_(std::move(name)), as_(std::move(as)), upper_(upper) {}

Result<bool> TreeArchive::step(TarWriter& tar) {
    if (file_) {
        TRY(copy(tar));
        return true;
    }
    if (!begun_) {
        begun_ = true;
        TRY(add(tar, place_, name_.empty() ? "." : name_, as_), "{}", as_);
        return true;
    }
    while (!levels_.empty() && levels_.back().names.empty()) levels_.pop_back();
    if (levels_.empty()) return false;
    auto& level = levels_.back();
    const std::string name = std::move(level.names.back());
    level.names.pop_back();
    const std::string path = join(level.path, name);
    auto added = add(tar, level.directory, name, path);
    if (added) return true;
    if (!gone(added.error())) return Failure(std::move(added).error().in(path));
    std::erase_if(linked_, [&](const auto& known) { return known.second == path; });
    return true;
}

Result<void> TreeArchive::add(TarWriter& tar, FdRef directory, const std::string& name, const std::string& path) {
    struct stat status{};
    if (::fstatat(directory.raw(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno(errno, "look");
    const auto type = type_of(status.st_mode);
    if (!type) return {};
    if (upper_ == Upper::overlay && is_whiteout(status))
        return tar.file(path.substr(0, path.size() - name.size()) + ".wh." + name, "", status.st_mtim.tv_sec);
    TarEntry entry{.path = path, .type = *type};
    describe(entry, status);
    if (*type == EntryType::directory) return add_directory(tar, directory, name, std::move(entry));
    if (was_linked(status, entry)) return tar.begin(entry);
    if (*type == EntryType::file) return add_file(tar, directory, name, std::move(entry));
    if (*type == EntryType::symlink) entry.link = TRY(link_target(directory, name));
    entry.xattrs = xattrs_of(directory, name);
    return tar.begin(entry);
}

Result<void> TreeArchive::add_directory(TarWriter& tar, FdRef above, const std::string& name, TarEntry entry) {
    Fd directory = TRY(sys::open_at(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    entry.xattrs = xattrs_of(above, name);
    if (!entry.path.empty()) TRY(tar.begin(entry));
    if (upper_ == Upper::overlay && is_opaque(directory))
        TRY(tar.file(join(entry.path, ".wh..wh..opq"), "", entry.mtime.tv_sec));
    return enter(std::move(directory), std::move(entry.path));
}

// A second name of a file that is in the archive already.
bool TreeArchive::was_linked(const struct stat& status, TarEntry& entry) {
    if (status.st_nlink < 2) return false;
    const auto [known, first] = linked_.try_emplace({status.st_dev, status.st_ino}, entry.path);
    if (first) return false;
    entry.type = EntryType::hardlink;
    entry.link = known->second;
    return true;
}

Result<void> TreeArchive::add_file(TarWriter& tar, FdRef directory, const std::string& name, TarEntry entry) {
    // Looked at again before it is opened: what runs in the container may have put a device there meanwhile, and
    // opening one has effects.
    const Fd place = TRY(sys::open_at(directory, name, O_PATH | O_NOFOLLOW));
    struct stat status{};
    if (::fstat(place.raw(), &status) < 0) return fail_errno(errno, "look");
    if (!S_ISREG(status.st_mode)) return {};
    Fd file = TRY(sys::open_path(std::format("/proc/self/fd/{}", place.raw()), O_RDONLY));
    describe(entry, status);
    entry.xattrs = xattrs_of(directory, name);
    TRY(tar.begin(entry));
    left_ = entry.size;
    if (left_ > 0) file_ = std::move(file);
    return {};
}

Result<void> TreeArchive::enter(Fd directory, std::string path) {
    if (levels_.size() == kMaxDepth)
        return fail(Kind::unsupported, "directories are nested deeper than {} levels: copy a part of them", kMaxDepth);
    auto names = TRY(sys::list_dir_fd(directory));
    std::ranges::sort(names, std::greater<>());  // taken from the end
    levels_.push_back({std::move(directory), std::move(path), std::move(names)});
    return {};
}

Result<void> TreeArchive::copy(TarWriter& tar) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kPiece));
    piece_.resize(want);
    ssize_t got = 0;
    do got = ::read(file_.raw(), piece_.data(), want);
    while (got < 0 && errno == EINTR);
    if (got < 0) return fail_errno(errno, "read");
    // It shrank: its header is sent, so zeros take the place of what is missing, as other tars do.
    if (got == 0) std::ranges::fill(piece_, '\0');
    else piece_.resize(static_cast<std::size_t>(got));
    TRY(tar.data(piece_));
    left_ -= piece_.size();
    if (left_ > 0) return {};
    file_.reset();
    return tar.end_file();
}

}  // namespace diatom::image
