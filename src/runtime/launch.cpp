#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "proc/spawn.h"
#include "runtime/executor.h"
#include "runtime/hooks.h"
#include "runtime/init.h"
#include "runtime/request.h"
#include "runtime/resources.h"
#include "runtime/runtime.h"
#include "runtime/seccomp.h"
#include "runtime/self.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::runtime {
namespace {

// A mount of a dead network file system may hang for ever; nobody waits longer than this for a container.
constexpr int kSetupTimeout = 60'000;  // milliseconds

// The executor, and our end of the connection that it shares with the container's init. Closing that end makes both of
// them exit; the executor is always reaped here.
class Executor {
public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    ~Executor() {
        control_.reset();
        if (child_.pidfd) std::ignore = sys::wait_exit(child_.pidfd);
    }
    // A program comes up while its request is completed here. `diatom runtime` on the machine itself needs none, whose
    // start would cost more than the container: its copy is made when there is a request to be found in its memory.
    Result<void> prepare(const Stdio& stdio, const Hooks& hooks = {});
    Result<void> execute(Request& request);

    FdRef control() const noexcept { return control_; }
    Fd take_control() noexcept { return std::move(control_); }

private:
    Result<void> start();

    proc::SpawnRequest spawn_{.path = {}, .argv = {kExecutorName}};
    proc::Child child_;
    Fd control_, theirs_;
};

Result<void> Executor::prepare(const Stdio& stdio, const Hooks& hooks) {
    std::tie(control_, theirs_) = TRY(sys::socket_pair(sys::SocketType::packet));
    // Hooks take as long as they say themselves.
    if (hooks.create_container.empty()) TRY(sys::set_receive_timeout(control_, kSetupTimeout));
    // The container inherits the executor's standard descriptors: passing them on costs nothing more.
    spawn_.path = TRY(executor_path());
    spawn_.fds.push_back({theirs_, kExecutorSocket});
    if (stdio.in) spawn_.fds.push_back({stdio.in, 0});
    if (stdio.out) spawn_.fds.push_back({stdio.out, 1});
    if (stdio.err) spawn_.fds.push_back({stdio.err, 2});
    spawn_.new_session = false;  // the container makes its own
    if (runs_unwritable() && proc::can_copy_this_process()) return {};
    return start();
}

Result<void> Executor::start() {
    child_ = TRY(proc::spawn(spawn_), "start the executor");
    theirs_.reset();
    return {};
}

Result<void> Executor::execute(Request& request) {
    if (child_.pidfd) return send_request(control_, request);
    int number = kExecutorSocket;
    for (const Fd* fd : descriptors_of(request)) spawn_.fds.push_back({*fd, ++number});
    spawn_.entry = [&request] { return execute_copied(request); };
    return start();
}

// Ends and reaps a container that did not come to be.
void discard(FdRef pidfd) {
    if (!pidfd) return;
    std::ignore = sys::send_signal(pidfd, SIGKILL);
    std::ignore = sys::wait_exit(pidfd);
}

Failure died(FdRef pidfd) {
    if (!pidfd) return fail(Kind::bug, "the executor died before it made the container");
    std::ignore = sys::send_signal(pidfd, SIGKILL);
    const auto status = sys::wait_exit(pidfd);
    if (status && status->signal == SIGKILL) {
        return fail(Kind::exhausted,
                    "the container's first process was killed while it was set up: its memory limit may be "
                    "too low to start it");
    }
    return fail(Kind::bug, "the container's first process ended while it was set up (status {})",
                status ? status->shell_code() : -1);
}

// The hooks of the caller's namespaces, once the container's are made and before its root is changed.
Result<void> run_creation_hooks(const Spec& spec, int pid) {
    const Json state = state_document(spec, "creating", pid);
    TRY(run_hooks("prestart", spec.hooks.prestart, state));
    return run_hooks("createRuntime", spec.hooks.create_runtime, state);
}

Result<Created> await_ready(Executor& executor, const Spec& spec) {
    sys::ProcessId process;
    Fd pidfd;
    Fd terminal;
    bool environment = false;
    bool ready = false;
    std::optional<Error> failure;
    // The executor's and the init's reports may come in either order. After a failure too: unreaped, the process would
    // keep the container that it joined from ending.
    while (!pidfd || (!ready && !failure)) {
        auto received = receive_report(executor.control());
        if (failure && (!received || !*received)) break;
        if (!received) {
            discard(pidfd);
            return Failure(std::move(received).error().in("wait for the container's setup"));
        }
        if (!*received) return died(pidfd);
        Report& report = **received;
        switch (report.step) {
            case Report::Step::failed: failure = std::move(report.error); break;
            case Report::Step::environment: environment = true; break;
            case Report::Step::ready:
                ready = true;
                terminal = std::move(report.fd);
                break;
            case Report::Step::cloned: process.pid = report.pid; pidfd = std::move(report.fd);
        }
        if (!environment || !pidfd || failure) continue;
        environment = false;
        auto ran = run_creation_hooks(spec, process.pid);
        if (ran) ran = send_go(executor.control());
        if (!ran) {
            discard(pidfd);
            return forward_error(std::move(ran));
        }
    }
    if (failure) {
        discard(pidfd);
        return Failure(std::move(*failure));
    }
    const auto start_time = sys::start_time(process.pid);
    if (!start_time) {
        discard(pidfd);
        return Failure(Error(start_time.error()).in("container"));
    }
    process.start_time = *start_time;
    return Created(process, std::move(pidfd), executor.take_control(), std::move(terminal));
}

Result<void> add_filter(Request& request, const std::optional<Seccomp>& seccomp) {
    if (!seccomp) return {};
    const auto filter = TRY(cached_filter(*seccomp));
    if (!seccomp->listener_path.empty()) {
        request.listener =
            TRY(sys::connect_unix(seccomp->listener_path, sys::SocketType::stream), "linux.seccomp.listenerPath");
        request.listener_metadata = seccomp->listener_metadata;
    }
    const auto* bytes = reinterpret_cast<const char*>(filter->program.data());
    request.has_filter = true;
    request.filter_flags = filter->load_flags;
    request.filter.assign(bytes, filter->program.size() * sizeof(sock_filter));
    return {};
}

Result<void> check(const Spec& spec, ProgramCheck program) {
    if (program == ProgramCheck::at_launch && spec.process.args.empty()) {
        return fail(Kind::invalid, "no command specified");
    }
    if (!std::ranges::contains(spec.namespaces, NamespaceKind::mount, &Namespace::kind)) {
        return fail(Kind::unsupported, "a container without a mount namespace of its own is not supported");
    }
    if (!spec.time_offsets.empty() && !has_new_namespace(spec, NamespaceKind::time)) {
        return fail(Kind::invalid, "time offsets need a new time namespace");
    }
    // The kernel lets nobody mount in there who is not above or in the user namespace that it belongs to.
    if (has_new_namespace(spec, NamespaceKind::user) && !has_new_namespace(spec, NamespaceKind::mount)) {
        return fail(Kind::invalid,
                    "a new user namespace cannot use a mount namespace that is there already: join its "
                    "user namespace by path, or leave one of both out");
    }
    return {};
}

// The target's own cgroup, which may lie below the container's where a container manages cgroups itself.
Result<Fd> cgroup_of(const sys::ProcessId& target) {
    const std::string text = TRY(sys::read_file(std::format("/proc/{}/cgroup", target.pid)));
    for (const auto line : split(text, '\n')) {
        if (!line.starts_with("0::")) continue;
        const std::string path = TRY(sys::Cgroup::mount_point()) + std::string(line.substr(3));
        return TRY(sys::open_path(path, O_RDONLY | O_DIRECTORY), "the container's cgroup");
    }
    return fail(Kind::unsupported, "process {} is in no cgroup of version 2", target.pid);
}

// What an exec'd process does not say for itself is as in the container.
Process with_defaults(Process process, const Process& container) {
    const auto& own = process.capabilities;
    if (own.bounding.empty() && own.effective.empty() && own.permitted.empty() && own.inheritable.empty() &&
        own.ambient.empty()) {
        process.capabilities = container.capabilities;
    }
    if (process.rlimits.empty()) process.rlimits = container.rlimits;
    if (process.apparmor_profile.empty()) process.apparmor_profile = container.apparmor_profile;
    if (!process.oom_score_adj) process.oom_score_adj = container.oom_score_adj;
    process.no_new_privileges = process.no_new_privileges || container.no_new_privileges;
    return process;
}

Result<void> add_passed(Request& request, const std::vector<FdRef>& passed) {
    if (passed.size() > kMaxPassed) {
        return fail(Kind::exhausted, "{} descriptors to pass on are too many: at most {}", passed.size(), kMaxPassed);
    }
    for (const auto fd : passed) {
        request.passed.emplace_back(::fcntl(fd.raw(), F_DUPFD_CLOEXEC, 0));
        if (!request.passed.back()) return fail_errno(errno, "pass on descriptor {}", fd.raw());
    }
    return {};
}

Result<Created> finish_launch(Executor& executor, const Spec& spec, Request request) {
    TRY(add_filter(request, spec.seccomp));
    request.spec = spec;
    request.spec.seccomp.reset();
    TRY(executor.execute(request));
    return await_ready(executor, spec);
}

}  // namespace

Created& Created::operator=(Created&& other) noexcept {
    if (this != &other) {
        abandon();
        process_ = other.process_;
        pidfd_ = std::move(other.pidfd_);
        control_ = std::move(other.control_);
        terminal_ = std::move(other.terminal_);
    }
    return *this;
}

Created::~Created() { abandon(); }

void Created::abandon() noexcept {
    if (!control_) return;  // started, or moved from
    control_.reset();
    discard(pidfd_);
}

Result<void> Created::start() {
    if (!control_) return fail(Kind::conflict, "the process is started already");
    const Fd control = std::move(control_);
    auto outcome = [&]() -> Result<void> {
        if (!send_go(control)) return fail(Kind::conflict, "the container ended before it was started");
        auto report = TRY(receive_report(control), "wait for the container's program");
        if (report && report->error) return Failure(std::move(*report->error));
        return {};
    }();
    // Nobody waits for a process that never ran its program, unless the pidfd was handed out.
    if (!outcome) {
        discard(pidfd_);
        pidfd_.reset();
    }
    return outcome;
}

Result<void> Created::hold(FdRef listener) {
    if (!control_) return fail(Kind::conflict, "the process is started already");
    const Fd control = std::move(control_);
    auto sent = send_hold(control, listener);
    if (!sent) discard(pidfd_);
    return sent;
}

Result<Created> launch(const Spec& spec, const Stdio& stdio, ProgramCheck program) {
    TRY(check(spec, program));
    Request request{.check_program = program == ProgramCheck::at_launch};
    TRY(add_passed(request, stdio.more));
    // First, so that it comes up while the cgroup and the filter are made here.
    Executor executor;
    TRY(executor.prepare(stdio, spec.hooks));
    if (spec.cgroup.empty()) return finish_launch(executor, spec, std::move(request));
    const auto cgroup = TRY(make_cgroup(spec.cgroup, spec.resources));
    request.cgroup = Fd(::fcntl(cgroup.fd().raw(), F_DUPFD_CLOEXEC, 0));
    auto created = finish_launch(executor, spec, std::move(request));
    if (!created) std::ignore = sys::Cgroup::remove(spec.cgroup);
    return created;
}

Result<Created> exec(const sys::ProcessId& target, const Spec& container, const Process& process, const Stdio& stdio) {
    if (process.args.empty()) return fail(Kind::invalid, "no command specified");
    Request request{.join = true};
    request.target = TRY(sys::open_pidfd(target), "the container is not running");
    TRY(add_passed(request, stdio.more));
    Executor executor;
    TRY(executor.prepare(stdio));
    if (!container.cgroup.empty()) request.cgroup = TRY(cgroup_of(target));
    TRY(add_filter(request, container.seccomp));
    Spec& joined = request.spec;
    joined.id = container.id;
    joined.process = with_defaults(process, container.process);
    joined.namespaces = container.namespaces;
    joined.bundle = container.bundle;
    joined.annotations = container.annotations;
    joined.personality = container.personality;
    TRY(executor.execute(request));
    return await_ready(executor, joined);
}

}  // namespace diatom::runtime
