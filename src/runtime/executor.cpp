// The short-lived process that makes a container: it enters the namespaces that are joined, clones the container's
// first process into the new ones as a child of its own parent, and is gone.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/executor.h"
#include "runtime/id_map.h"
#include "runtime/init.h"
#include "runtime/limits.h"
#include "runtime/request.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::runtime {
namespace {

constexpr FdRef kControl(kExecutorSocket);

std::uint64_t clone_flag(NamespaceKind kind) {
    switch (kind) {
        case NamespaceKind::mount: return CLONE_NEWNS;
        case NamespaceKind::uts: return CLONE_NEWUTS;
        case NamespaceKind::ipc: return CLONE_NEWIPC;
        case NamespaceKind::pid: return CLONE_NEWPID;
        case NamespaceKind::network: return CLONE_NEWNET;
        case NamespaceKind::user: return CLONE_NEWUSER;
        case NamespaceKind::cgroup: return CLONE_NEWCGROUP;
        case NamespaceKind::time: return CLONE_NEWTIME;
    }
    return 0;
}

// A namespace that is there already.
struct Existing {
    const Namespace* entry = nullptr;
    Fd fd;
};

// The container's root replaces that of its mount namespace, for everybody in there.
Result<void> refuse_own_mounts(const Existing& mounts) {
    struct stat given{};
    struct stat own{};
    if (::fstat(mounts.fd.raw(), &given) < 0 || ::stat("/proc/self/ns/mnt", &own) < 0) {
        return fail_errno(errno, "join namespace {}", mounts.entry->path);
    }
    if (given.st_dev != own.st_dev || given.st_ino != own.st_ino) return {};
    return fail(Kind::unsupported,
                "join namespace {}: it is the runtime's own mount namespace, whose root would become the container's: "
                "leave the path out for a new one",
                mounts.entry->path);
}

Result<std::vector<Existing>> open_existing(const std::vector<Namespace>& namespaces) {
    std::vector<Existing> existing;
    for (const auto& entry : namespaces) {
        if (entry.path.empty()) continue;
        existing.push_back({&entry, TRY(sys::open_path(entry.path, O_RDONLY), "join namespace")});
        if (entry.kind == NamespaceKind::mount) TRY(refuse_own_mounts(existing.back()));
    }
    return existing;
}

Result<void> join(const Existing& existing) {
    if (::setns(existing.fd.raw(), static_cast<int>(clone_flag(existing.entry->kind))) == 0) return {};
    return fail_errno(errno, "join namespace {}", existing.entry->path);
}

// All namespaces of the target in one call, except two that the child enters itself once it is in the target's cgroup:
// from inside the cgroup namespace that cgroup could not be named, and the user namespace may not write to it.
Result<void> join_target(const Request& request) {
    std::uint64_t flags = 0;
    for (const auto& entry : request.spec.namespaces) {
        if (entry.kind != NamespaceKind::user && entry.kind != NamespaceKind::cgroup) flags |= clone_flag(entry.kind);
    }
    if (::setns(request.target.raw(), static_cast<int>(flags)) < 0)
        return fail_errno(errno, "join the container's namespaces");
    return {};
}

struct Cloned {
    pid_t pid = 0;
    Fd pidfd;
};

// 0: in the child. The cgroup namespace is made by the child, since its root is the cgroup of who makes it.
Result<Cloned> clone_container(const Request& request) {
    int pidfd = -1;
    struct clone_args args{};
    args.flags = CLONE_PARENT | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    if (request.cgroup) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(request.cgroup.raw());
    }
    if (!request.join) {
        for (const auto& entry : request.spec.namespaces) {
            const bool by_clone = entry.kind != NamespaceKind::cgroup && entry.kind != NamespaceKind::time;
            if (entry.path.empty() && by_clone) args.flags |= clone_flag(entry.kind);
        }
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) return fail_errno(errno, "make the container's namespaces");
    return Cloned{static_cast<pid_t>(pid), pid == 0 ? Fd() : Fd(pidfd)};
}

Result<void> write_mappings(pid_t pid, const Spec& spec) {
    TRY(sys::write_control(std::format("/proc/{}/uid_map", pid), mapping_text(spec.uid_mappings)), "map user ids");
    TRY(sys::write_control(std::format("/proc/{}/gid_map", pid), mapping_text(spec.gid_mappings)), "map group ids");
    return {};
}

// Its clocks can be set until the first process is in it, which is the one that we clone.
Result<void> make_time_namespace(const Spec& spec, FdRef self) {
    if (::unshare(CLONE_NEWTIME) < 0) return fail_errno(errno, "make a time namespace");
    std::string text;
    for (const auto& offset : spec.time_offsets) {
        text += std::format("{} {} {}\n", offset.clock, offset.seconds, offset.nanoseconds);
    }
    if (text.empty()) return {};
    return sys::write_control_at(self, "timens_offsets", text);
}

// What is joined by path, and what is made before the clone. Paths of namespaces and of /proc are resolved before a
// mount namespace is joined, those of mounts after it. The user namespace comes last: inside it we would not have the
// right to enter the others.
Result<void> enter_surroundings(Request& request) {
    const Spec& spec = request.spec;
    const auto existing = TRY(open_existing(spec.namespaces));
    const bool new_time = has_new_namespace(spec, NamespaceKind::time);
    const auto self = new_time ? TRY(sys::open_path("/proc/self", O_PATH | O_DIRECTORY)) : Fd();
    const auto id_maps = TRY(make_id_maps(spec));
    for (const auto& entry : existing) {
        if (entry.entry->kind != NamespaceKind::user) TRY(join(entry));
    }
    request.id_mapped = TRY(make_id_mapped(spec, id_maps));
    for (const auto& entry : existing) {
        if (entry.entry->kind == NamespaceKind::user) TRY(join(entry));
    }
    if (new_time) TRY(make_time_namespace(spec, self), "time namespace");
    return {};
}

// Container processes that share a namespace with us could trace us and use our descriptors (CVE-2016-9962).
Result<void> hide_from_container(const Request& request) {
    bool shared = request.join;
    for (const auto& entry : request.spec.namespaces) shared = shared || !entry.path.empty();
    if (shared && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail_errno(errno, "hide from the container");
    return {};
}

Result<void> execute(Request request) {
    const bool new_user = !request.join && has_new_namespace(request.spec, NamespaceKind::user);
    if (new_user && (request.spec.uid_mappings.empty() || request.spec.gid_mappings.empty())) {
        return fail(Kind::invalid, "a new user namespace needs uidMappings and gidMappings");
    }
    // Both are inherited; in a user namespace the container itself could not do it.
    TRY(set_oom_score(request.spec.process.oom_score_adj));
    if (has_namespace(request.spec, NamespaceKind::user)) TRY(raise_hard_limits(request.spec.process.rlimits));
    TRY(hide_from_container(request));
    // A descriptor of the host's is opened only for who needs it.
    if (request.listener || !request.spec.process.apparmor_profile.empty()) {
        request.host_proc = TRY(sys::open_path("/proc", O_PATH | O_DIRECTORY));
    }
    TRY(request.join ? join_target(request) : enter_surroundings(request));
    auto [mapped, mapping] = new_user ? TRY(sys::make_pipe()) : std::pair<Fd, Fd>();
    const auto cloned = TRY(clone_container(request));
    if (cloned.pid == 0) {
        mapping.reset();
        run_init(request, kControl, mapped);
    }
    TRY(send_cloned(kControl, cloned.pid, cloned.pidfd));
    if (new_user) {
        TRY(write_mappings(cloned.pid, request.spec));
        TRY(sys::write_all(mapping, "m"));
    }
    return {};
}

[[noreturn]] int end_with(const Result<void>& done) {
    if (!done) send_failed(kControl, done.error());
    // Not exit(): handlers of the libraries in this program have no business here.
    ::_exit(done ? 0 : 1);
}

}  // namespace

bool has_new_namespace(const Spec& spec, NamespaceKind kind) {
    return std::ranges::any_of(spec.namespaces, [&](const auto& n) { return n.kind == kind && n.path.empty(); });
}

bool has_namespace(const Spec& spec, NamespaceKind kind) {
    return std::ranges::contains(spec.namespaces, kind, &Namespace::kind);
}

int execute_copied(Request& request) {
    int number = kExecutorSocket;
    for (Fd* fd : descriptors_of(request)) {
        std::ignore = fd->release();  // a number of the process that we are a copy of
        *fd = Fd(++number);
    }
    return end_with(execute(std::move(request)));
}

int executor_main() {
    // The program's own environment and descriptors are those that launch() gave it, so there is nothing to clean up.
    auto request = receive_request(kControl);
    return end_with(request ? execute(std::move(*request)) : forward_error(std::move(request)));
}

}  // namespace diatom::runtime
