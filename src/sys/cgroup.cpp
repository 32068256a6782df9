#include "sys/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/strings.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::sys {
namespace {

constexpr std::int64_t kFreezeTimeout = 5'000'000'000;
constexpr long kFirstPause = 1'000'000;  // ns between tries to remove a group, doubling up to the last: 1 s in all
constexpr long kLastPause = 512'000'000;

bool is_cgroup2(const char* path) noexcept {
    struct statfs status{};
    return ::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

Result<std::vector<std::string>> parts_of(const std::string& path) {
    std::vector<std::string> parts;
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == "." || part == "..") {
            return fail(Kind::invalid, "\"{}\" is no cgroup path: it must be relative and plain", path);
        }
        parts.emplace_back(part);
    }
    return parts;
}

std::string display(const std::string& path) { return path.empty() ? "the root cgroup" : "cgroup " + path; }

// Passes every controller that the group has on to its children.
Result<void> enable_controllers(FdRef group, const std::string& path) {
    auto file = TRY(open_at(group, "cgroup.controllers", O_RDONLY));
    const std::string available = TRY(read_all(file));
    file = TRY(open_at(group, "cgroup.subtree_control", O_RDONLY));
    const std::string enabled = TRY(read_all(file));
    const auto present = split_words(enabled);
    for (const auto controller : split_words(available)) {
        if (std::ranges::contains(present, controller)) continue;
        auto set = write_control_at(group, "cgroup.subtree_control", std::format("+{}", controller));
        if (set) continue;
        if (set.error().error_number() == EBUSY) {
            return fail(Kind::conflict,
                        "{} holds processes of its own, so the controller \"{}\" cannot be passed on to its children: "
                        "move them into a child cgroup first",
                        display(path), controller);
        }
        // A controller may exist and still refuse (cpu with real-time processes about): limits on it then fail by name.
        log::warning("a cgroup controller cannot be enabled", {{"cgroup", path}, {"error", set.error().what()}});
    }
    return {};
}

Result<bool> event_is_set(FdRef file, const std::string& key) {
    if (::lseek(file.raw(), 0, SEEK_SET) < 0) return fail_errno(errno, "rewind cgroup.events");
    const std::string text = TRY(read_all(file), "cgroup.events");
    for (const auto line : split(text, '\n')) {
        const auto halves = cut(line, ' ');
        if (halves && halves->first == key) return halves->second == "1";
    }
    return fail(Kind::unsupported, "cgroup.events has no \"{}\": this kernel is too old", key);
}

Result<void> collect_pids(FdRef dir, std::vector<int>& pids) {
    auto file = TRY(open_at(dir, "cgroup.procs", O_RDONLY));
    const std::string members = TRY(read_all(file));
    for (const auto word : split_words(members)) {
        if (const auto pid = parse_int(word)) pids.push_back(static_cast<int>(*pid));
    }
    for (const auto& name : TRY(list_dir_fd(dir))) {
        auto child = open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (child) TRY(collect_pids(*child, pids));
    }
    return {};
}

// Gives the errno of the first group that could not be removed.
int remove_groups(FdRef parent, const std::string& name) {
    if (::unlinkat(parent.raw(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY && errno != ENOTEMPTY) return errno;
    auto dir = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!dir) return dir.error().error_number();
    const auto entries = list_dir_fd(*dir);
    if (!entries) return entries.error().error_number();
    for (const auto& entry : *entries) {
        struct stat status{};
        if (::fstatat(dir->raw(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(status.st_mode))
            continue;
        if (const int error = remove_groups(*dir, entry); error != 0) return error;
    }
    return ::unlinkat(parent.raw(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Result<std::string> Cgroup::mount_point() {
    for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
        if (is_cgroup2(path)) return std::string(path);
    }
    return fail(Kind::unsupported,
                "cgroup version 2 is not mounted at /sys/fs/cgroup: mount it, or boot with "
                "systemd.unified_cgroup_hierarchy=1");
}

Result<Cgroup> Cgroup::create(const std::string& path) {
    auto dir = TRY(open_path(TRY(mount_point()), O_RDONLY | O_DIRECTORY));
    std::string parent;
    for (const auto& name : TRY(parts_of(path))) {
        TRY(enable_controllers(dir, parent), "create cgroup {}", path);
        if (::mkdirat(dir.raw(), name.c_str(), 0755) < 0 && errno != EEXIST) {
            return fail_errno(errno, "create cgroup {}", path);
        }
        auto child = TRY(open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "create cgroup {}", path);
        dir = std::move(child);
        parent += parent.empty() ? name : "/" + name;
    }
    return Cgroup(path, std::move(dir));
}

Result<Cgroup> Cgroup::open(const std::string& path) {
    TRY(parts_of(path));
    auto dir = TRY(open_path(std::format("{}/{}", TRY(mount_point()), path), O_RDONLY | O_DIRECTORY), "cgroup");
    return Cgroup(path, std::move(dir));
}

Result<void> Cgroup::set(const std::string& file, const std::string& value) const {
    TRY(write_control_at(dir_, file, value), "cgroup {}", path_);
    return {};
}

Result<std::string> Cgroup::get(const std::string& file) const {
    auto fd = TRY(open_at(dir_, file, O_RDONLY), "cgroup {}", path_);
    return TRY(read_all(fd), "cgroup {}: {}", path_, file);
}

Result<Cgroup::Flat> Cgroup::get_flat(const std::string& file) const {
    const std::string text = TRY(get(file));
    Flat values;
    for (const auto line : split(text, '\n')) {
        const auto halves = cut(line, ' ');
        const auto value = halves ? parse_uint(halves->second) : std::nullopt;
        if (value) values.emplace(halves->first, *value);
    }
    return values;
}

Result<void> Cgroup::attach(int pid) const { return set("cgroup.procs", std::to_string(pid)); }

Result<std::vector<int>> Cgroup::pids() const {
    std::vector<int> pids;
    TRY(collect_pids(dir_, pids), "processes of cgroup {}", path_);
    return pids;
}

Result<bool> Cgroup::populated() const {
    auto file = TRY(open_at(dir_, "cgroup.events", O_RDONLY), "cgroup {}", path_);
    return event_is_set(file, "populated");
}

Result<void> Cgroup::kill() const { return set("cgroup.kill", "1"); }

Result<void> Cgroup::freeze(bool frozen) const {
    auto events = TRY(open_at(dir_, "cgroup.events", O_RDONLY), "cgroup {}", path_);
    TRY(set("cgroup.freeze", frozen ? "1" : "0"));
    // The kernel answers before the processes stand still; a change of cgroup.events says that they do.
    const std::int64_t deadline = monotonic_ns() + kFreezeTimeout;
    while (TRY(event_is_set(events, "frozen"), "cgroup {}", path_) != frozen) {
        const std::int64_t left = (deadline - monotonic_ns()) / 1'000'000;
        if (left <= 0) return fail(Kind::timed_out, "{} cgroup {}", frozen ? "freeze" : "thaw", path_);
        pollfd change{events.raw(), POLLPRI, 0};
        ::poll(&change, 1, static_cast<int>(left));
    }
    return {};
}

Result<void> Cgroup::remove(const std::string& path) {
    TRY(parts_of(path));
    auto top = TRY(open_path(TRY(mount_point()), O_RDONLY | O_DIRECTORY));
    for (long pause = kFirstPause;; pause *= 2) {
        const int error = remove_groups(top, path);
        if (error == 0) return {};
        if (error != EBUSY || pause > kLastPause) return fail_errno(error, "remove cgroup {}", path);
        const timespec time{0, pause};
        ::nanosleep(&time, nullptr);
    }
}

}  // namespace diatom::sys
