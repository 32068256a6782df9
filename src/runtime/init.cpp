#include "runtime/init.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/strings.h"
#include "runtime/attributes.h"
#include "runtime/capabilities.h"
#include "runtime/hooks.h"
#include "runtime/limits.h"
#include "runtime/program.h"
#include "runtime/rootfs.h"
#include "runtime/seccomp.h"
#include "runtime/terminal.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::runtime {
namespace {

constexpr int kCannotExecute = 126, kNotFound = 127;  // the shell's exit codes, which Docker follows

Result<void> begin_session(const std::string& id) {
    if (::setsid() < 0) return fail_errno(errno, "make a session");
    // Keys of the host's session are not the container's. A kernel without keys has nothing to leak.
    const std::string name = "_ses." + id;
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) < 0 && errno != ENOSYS && errno != EDQUOT &&
        errno != EPERM) {
        return fail_errno(errno, "make a session keyring");
    }
    ::umask(0);  // modes of what is made are given exactly
    return {};
}

Result<void> enter_user_namespace(FdRef mapped) {
    if (mapped) {
        char byte = 0;
        if (::read(mapped.raw(), &byte, 1) != 1) return fail(Kind::cancelled, "no user mappings came");
    }
    if (::setresgid(0, 0, 0) < 0) return fail_errno(errno, "become group 0 of the user namespace");
    if (::setresuid(0, 0, 0) < 0) return fail_errno(errno, "become user 0 of the user namespace");
    return {};
}

Result<void> enter_namespaces(const Request& request, FdRef mapped) {
    const Spec& spec = request.spec;
    if (request.join) {
        int flags = 0;
        if (has_namespace(spec, NamespaceKind::user)) flags |= CLONE_NEWUSER;
        if (has_namespace(spec, NamespaceKind::cgroup)) flags |= CLONE_NEWCGROUP;
        if (flags != 0 && ::setns(request.target.raw(), flags) < 0)
            return fail_errno(errno, "join the container's namespaces");
    } else if (has_new_namespace(spec, NamespaceKind::cgroup) && ::unshare(CLONE_NEWCGROUP) < 0) {
        return fail_errno(errno, "make a cgroup namespace");
    }
    if (has_namespace(spec, NamespaceKind::user)) return enter_user_namespace(mapped);
    return {};
}

Result<void> set_names(const Spec& spec) {
    const bool given = !spec.hostname.empty() || !spec.domainname.empty();
    if (given && !has_namespace(spec, NamespaceKind::uts)) {
        return fail(Kind::invalid, "a host name needs a uts namespace: it would change the host's");
    }
    if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0) {
        return fail_errno(errno, "set host name \"{}\"", spec.hostname);
    }
    if (!spec.domainname.empty() && ::setdomainname(spec.domainname.data(), spec.domainname.size()) < 0) {
        return fail_errno(errno, "set domain name \"{}\"", spec.domainname);
    }
    return {};
}

Result<void> make_working_directory(FdRef root, const Process& process) {
    if (!process.make_cwd || process.cwd == "/") return {};
    std::ignore = TRY(sys::make_dirs_in_root(root, process.cwd), "working directory");
    return {};
}

// A working directory that leads outside through a descriptor or a mount of the host would be the container's door to
// it (CVE-2024-21626): links of /proc are not followed, and the kernel must be able to name the place from our root.
Result<void> enter_working_directory(const std::string& cwd) {
    if (!cwd.starts_with('/')) return fail(Kind::invalid, "working directory \"{}\" must be absolute", cwd);
    const auto root = TRY(sys::open_path("/", O_PATH | O_DIRECTORY));
    auto dir = sys::open_in_root(root, cwd, O_PATH | O_DIRECTORY);
    if (!dir && dir.error().error_number() == ELOOP) {
        return fail(Kind::denied, "working directory {} leads through a link of /proc or a loop of links", cwd);
    }
    if (!dir) return Failure(std::move(dir).error().in("working directory"));
    if (::fchdir(dir->raw()) < 0) return fail_errno(errno, "enter working directory {}", cwd);
    std::array<char, 4096> name{};
    if (::getcwd(name.data(), name.size()) == nullptr || name[0] != '/') {
        return fail(Kind::denied, "working directory {} is outside of the container's root", cwd);
    }
    return {};
}

// The runtime's hooks are launch()'s to run, while we wait; the container's are ours.
Result<void> run_creation_hooks(const Spec& spec, FdRef control) {
    if (!spec.hooks.prestart.empty() || !spec.hooks.create_runtime.empty()) {
        TRY(send_environment(control));
        if (TRY(receive_order(control)).what != Order::What::go) return fail(Kind::cancelled, "the caller went away");
    }
    return run_hooks("createContainer", spec.hooks.create_container, state_document(spec, "creating", ::getpid()));
}

Result<Fd> set_up_new(const Spec& spec, RootFs& fs, FdRef control) {
    TRY(set_names(spec));
    TRY(fs.build());
    TRY(run_creation_hooks(spec, control));
    Fd terminal;
    if (spec.process.terminal) {
        const bool host = spec.root.source == Root::Source::host;
        terminal = TRY(take_terminal(fs.root(), spec.process, host ? Console::leave : Console::bind));
    }
    TRY(make_working_directory(fs.root(), spec.process));
    TRY(fs.seal());
    return terminal;
}

Result<Fd> set_up_joined(const Process& process) {
    const auto root = TRY(sys::open_path("/", O_PATH | O_DIRECTORY));
    Fd terminal;
    if (process.terminal) terminal = TRY(take_terminal(root, process, Console::leave));
    TRY(make_working_directory(root, process));
    return terminal;
}

// What the program will have, and what else is kept until the filter is loaded: without no_new_privs that takes
// CAP_SYS_ADMIN, and it should be the last step, so that the filter need not allow the ones before.
struct Credentials {
    CapabilitySets sets;
    CapabilityMask extra = 0;
};

Result<Credentials> become_user(const Process& process, bool has_filter) {
    const User& user = process.user;
    const auto available = TRY(permitted_capabilities());
    Credentials credentials{.sets = TRY(capability_sets(process.capabilities))};
    for (auto* mask : {&credentials.sets.effective, &credentials.sets.permitted, &credentials.sets.inheritable,
                       &credentials.sets.ambient}) {
        *mask &= available;
    }
    // The kernel raises no others. `runc spec` writes such sets, and what cannot be granted is no failure
    // (runtime-spec, "capabilities").
    credentials.sets.ambient &= credentials.sets.permitted & credentials.sets.inheritable;
    if (has_filter && !process.no_new_privileges) credentials.extra = kSysAdmin & available;
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return fail_errno(errno, "keep capabilities");
    TRY(drop_bounding(credentials.sets.bounding));
    if (::setgroups(user.additional_gids.size(), user.additional_gids.data()) < 0)
        return fail_errno(errno, "set groups");
    if (::setresgid(user.gid, user.gid, user.gid) < 0) return fail_errno(errno, "set group {}", user.gid);
    if (::setresuid(user.uid, user.uid, user.uid) < 0) return fail_errno(errno, "set user {}", user.uid);
    const auto& sets = credentials.sets;
    TRY(set_capabilities(sets.effective | credentials.extra, sets.permitted | credentials.extra, sets.inheritable));
    TRY(raise_ambient(sets.ambient));
    return credentials;
}

// {fds, pid, metadata, state}: the runtime-spec's "Container Process State". The pid is the one that the host knows.
Result<std::string> listener_message(const Request& request) {
    std::array<char, 32> name{};
    if (::readlinkat(request.host_proc.raw(), "self", name.data(), name.size() - 1) < 0)
        return fail_errno(errno, "read our process ID");
    const auto pid = static_cast<int>(parse_int(name.data()).value_or(0));
    const Json message{{"ociVersion", kOciVersion},
                       {"fds", {"seccompFd"}},
                       {"pid", pid},
                       {"metadata", request.listener_metadata},
                       {"state", state_document(request.spec, request.join ? "running" : "created", pid)}};
    return dump_json(message);
}

Result<void> lock_down(const Request& request, const Credentials& credentials) {
    const auto& sets = credentials.sets;
    if (request.spec.process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return fail_errno(errno, "set no_new_privs");
    }
    if (!request.has_filter) return {};
    // Before the filter holds, which must let through no more than the sending.
    const auto message = request.listener ? TRY(listener_message(request)) : std::string();
    const auto notifications = TRY(load_filter(request.filter, request.filter_flags));
    if (notifications) {
        TRY(sys::send_message(request.listener, message, {notifications}), "tell the seccomp listener");
    }
    if (credentials.extra != 0) TRY(set_capabilities(sets.effective, sets.permitted, sets.inheritable));
    return {};
}

// Everything from 3 on closes at exec, whoever opened it.
Result<void> close_rest() {
    if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return fail_errno(errno, "close the remaining descriptors");
    return {};
}

// What needs the host's rights, up to the point where the container is created.
Result<void> prepare(Request& request, FdRef control, FdRef mapped) {
    const Spec& spec = request.spec;
    std::optional<RootFs> fs;
    if (!request.join) fs.emplace(TRY(RootFs::open(spec, request.id_mapped)));
    TRY(enter_namespaces(request, mapped));
    TRY(begin_session(spec.id));
    auto set_up = fs ? set_up_new(spec, *fs, control) : set_up_joined(spec.process);
    if (!set_up && fs) fs->take_back();
    const auto terminal = TRY(std::move(set_up));
    if (!terminal) TRY(hand_over_stdio(spec.process.user));
    TRY(enter_working_directory(spec.process.cwd));
    ::umask(spec.process.user.umask.value_or(0022));
    if (request.check_program) std::ignore = TRY(find_program(spec.process.args[0], spec.process.env));
    TRY(send_ready(control, terminal));
    return {};
}

// Descriptors to pass on, from 3 on. What we need ourselves must stand above them by now.
Result<void> place_passed(std::vector<Fd>& passed) {
    const int first_free = 3 + static_cast<int>(passed.size());
    for (auto& fd : passed) {
        fd = Fd(::fcntl(fd.raw(), F_DUPFD_CLOEXEC, first_free));
        if (!fd) return fail_errno(errno, "pass on a descriptor");
    }
    for (std::size_t i = 0; i < passed.size(); ++i) {
        const int number = 3 + static_cast<int>(i);
        if (::dup3(passed[i].raw(), number, 0) < 0) return fail_errno(errno, "pass on descriptor {}", number);
    }
    return {};
}

// Where go came from, and where a failure is told: above every descriptor that is passed on. Nothing: nobody wants it
// to run any more.
Result<Fd> await_go(const Request& request, FdRef control) {
    const auto keep = [&](FdRef connection) -> Result<Fd> {
        Fd kept(
            ::fcntl(connection.raw(), F_DUPFD_CLOEXEC, kExecutorSocket + 1 + static_cast<int>(request.passed.size())));
        if (!kept) return fail_errno(errno, "keep the connection");
        return kept;
    };
    const auto first = TRY(receive_order(control));
    if (first.what == Order::What::go) return keep(control);
    if (first.what == Order::What::leave) return Fd();
    // A process that joins the container meanwhile must not reach our descriptors.
    const int dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail_errno(errno, "hide from the container");
    for (;;) {
        const auto connection = TRY(sys::accept_unix(first.listener), "wait to be started");
        // Who connects and goes again did not start us; the next may.
        const auto order = receive_order(connection);
        if (!order || order->what != Order::What::go) continue;
        if (dumpable == 1) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        return keep(connection);
    }
}

// Returns only with the reason why the program does not run.
Error run_program(Request& request) {
    const Process& process = request.spec.process;
    const auto outcome = [&]() -> Result<void> {
        if (process.args.empty()) {
            return fail(Kind::invalid, "the configuration has no process to start: add one, and create it anew");
        }
        TRY(run_hooks("startContainer", request.spec.hooks.start_container,
                      state_document(request.spec, "created", ::getpid())));
        TRY(close_rest());
        TRY(place_passed(request.passed));
        TRY(set_limits(process.rlimits));
        TRY(set_priorities(process));
        TRY(set_personality(request.spec.personality));
        TRY(set_apparmor_profile(request.host_proc, process.apparmor_profile));
        const auto credentials = TRY(become_user(process, request.has_filter));
        const auto program = TRY(find_program(process.args[0], process.env));
        TRY(lock_down(request, credentials));
        return Failure(execute_program(program, process.args, process.env));
    }();
    return outcome.error();
}

}  // namespace

void run_init(Request& request, FdRef control, FdRef mapped) noexcept {
    const auto give_up = [](FdRef connection, const Error& error) {
        send_failed(connection, error);
        ::_exit(error.kind() == Kind::not_found ? kNotFound : kCannotExecute);
    };
    if (const auto prepared = prepare(request, control, mapped); !prepared) give_up(control, prepared.error());
    const auto connection = await_go(request, control);
    if (!connection || !*connection) ::_exit(1);
    give_up(*connection, run_program(request));
    ::_exit(kCannotExecute);
}

}  // namespace diatom::runtime
