#include "runtime/id_map.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/mount_options.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"

namespace diatom::runtime {
namespace {

// A process that does nothing but to hold a new user namespace while that is set up; gone with this object.
class Holder {
public:
    static Result<Holder> start() {
        int pidfd = -1;
        struct clone_args args{};
        args.flags = CLONE_NEWUSER | CLONE_PIDFD;
        args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
        args.exit_signal = SIGCHLD;
        const long pid = ::syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0) return fail_errno(errno, "make a user namespace");
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) ::pause();
        }
        return Holder(static_cast<pid_t>(pid), Fd(pidfd));
    }
    Holder(Holder&&) noexcept = default;
    Holder& operator=(Holder&&) = delete;
    ~Holder() {
        if (!pidfd_) return;
        std::ignore = sys::send_signal(pidfd_, SIGKILL);
        std::ignore = sys::wait_exit(pidfd_);
    }
    pid_t pid() const noexcept { return pid_; }

private:
    Holder(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    pid_t pid_;
    Fd pidfd_;
};

Result<Fd> make_user_namespace(const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids) {
    const auto holder = TRY(Holder::start());
    const auto proc = std::format("/proc/{}/", holder.pid());
    TRY(sys::write_control(proc + "uid_map", mapping_text(uids)), "map user ids");
    TRY(sys::write_control(proc + "gid_map", mapping_text(gids)), "map group ids");
    return sys::open_path(proc + "ns/user", O_RDONLY);
}

Result<Fd> make_tree(const Mount& mount, const MountOptions& options, FdRef user_namespace) {
    auto tree = TRY(sys::clone_mount(FdRef(), mount.source, options.bind == MountOptions::Bind::recursive));
    TRY(sys::change_mount(
        tree, {.recursive = options.id_map == MountOptions::IdMap::recursive, .user_namespace = user_namespace}));
    return tree;
}

}  // namespace

std::string mapping_text(const std::vector<IdMapping>& mappings) {
    std::string text;
    for (const auto& m : mappings) text += std::format("{} {} {}\n", m.container, m.host, m.size);
    return text;
}

Result<std::map<std::size_t, Fd>> make_id_maps(const Spec& spec) {
    std::map<std::size_t, Fd> maps;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        const auto options = TRY(parse_mount_options(mount));
        if (options.id_map == MountOptions::IdMap::none) continue;
        const auto& uids = mount.uid_mappings.empty() ? spec.uid_mappings : mount.uid_mappings;
        const auto& gids = mount.gid_mappings.empty() ? spec.gid_mappings : mount.gid_mappings;
        if (uids.empty() || gids.empty()) {
            return fail(Kind::invalid, "mount {}: idmap needs uidMappings and gidMappings, its own or the container's",
                        mount.destination);
        }
        maps[i] = TRY(make_user_namespace(uids, gids), "mount {}", mount.destination);
    }
    return maps;
}

Result<std::map<std::size_t, Fd>> make_id_mapped(const Spec& spec, const std::map<std::size_t, Fd>& maps) {
    std::map<std::size_t, Fd> trees;
    for (const auto& [place, user_namespace] : maps) {
        const auto& mount = spec.mounts[place];
        const auto options = TRY(parse_mount_options(mount));
        trees[place] =
            TRY(make_tree(mount, options, user_namespace), "idmapped mount {} of {}", mount.destination, mount.source);
    }
    return trees;
}

}  // namespace diatom::runtime
