#include "service/preload.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>

#include "base/json.h"
#include "base/strings.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::service {
namespace {

constexpr std::array<std::string_view, 7> kEndings{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".oci"};
constexpr const char* kUnpacker = "/usr/bin/xzcat";
constexpr const char* kLoaded = "loaded";
constexpr std::size_t kMaxList = 1U << 20U;

// An archive that was put there anew has another time or size.
Result<std::string> mark_of(const std::string& directory, const std::string& name) {
    const auto about = TRY(sys::stat_path(directory + "/" + name));
    return std::format("{} {} {}.{:09}", name, about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
}

// The engine has no decoder of xz. busybox writes the archive into a file without a name, for the engine is told how
// long what comes is.
Result<Fd> unpack(const std::string& directory, const std::string& file) {
    auto whole = TRY(sys::open_path(directory, O_RDWR | O_TMPFILE, 0600));
    const auto child =
        TRY(proc::spawn({.path = kUnpacker, .argv = {"xzcat", file}, .env = {}, .fds = {{.fd = whole, .number = 1}}}));
    const auto ended = TRY(sys::wait_exit(child.pidfd));
    if (ended != sys::ExitStatus{})
        return fail(Kind::corrupt, "xzcat ended with {}: it is damaged, or there is no room for it",
                    ended.shell_code());
    if (::lseek(whole.raw(), 0, SEEK_SET) < 0) return fail_errno(errno, "rewind what was unpacked");
    return whole;
}

// The engine's answer is a stream of JSON values, in which an error may stand.
Result<void> load(const compose::Client& client, const std::string& directory, const std::string& name,
                  const Say& say) {
    const auto file = directory + "/" + name;
    const auto archive = name.ends_with("xz") ? TRY(unpack(directory, file)) : TRY(sys::open_path(file, O_RDONLY));
    std::string pending, problem;
    TRY(client.post_file("/images/load?quiet=1", "application/x-tar", archive, [&](std::string_view bytes) {
        pending += bytes;
        for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            const auto line = parse_json(std::string_view(pending).substr(0, end), "answer to a load").value_or(Json());
            pending.erase(0, end + 1);
            if (!line.is_object()) continue;
            if (line.contains("error")) problem = json_string(line, "error").value_or("?");
            const auto words = json_string(line, "stream").value_or("");
            if (!trim(words).empty()) say(std::format("{}: {}", file, trim(words)));
        }
        return Result<void>();
    }));
    if (!problem.empty()) return fail(Kind::io, "{}", problem);
    return {};
}

}  // namespace

void preload(const compose::Client& client, const std::string& directory, const Say& say) {
    auto names = sys::list_dir(directory).value_or(std::vector<std::string>());
    std::ranges::sort(names);
    const auto list = directory + "/" + kLoaded;
    const auto before = sys::read_file(list, kMaxList).value_or("");
    const auto known = split(before, '\n');
    std::string after;
    for (const auto& name : names) {
        if (!std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); })) continue;
        const auto mark = mark_of(directory, name);
        if (mark && std::ranges::contains(known, std::string_view(*mark))) {
            after += *mark + "\n";
            continue;
        }
        const auto done = load(client, directory, name, say);
        if (!done) say(std::format("{}/{} is not loaded: {}", directory, name, done.error().what()));
        else if (mark) after += *mark + "\n";
    }
    if (after == before) return;
    if (auto written = sys::write_file(list, after); !written) say(written.error().what());
}

}  // namespace diatom::service
