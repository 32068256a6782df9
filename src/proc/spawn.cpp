#include "proc/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/retry.h"
#include "sys/socket.h"

namespace diatom::proc {
namespace {

constexpr std::size_t kMaxOutput = 64U << 10U;

// Where the child was when it failed.
enum class Stage : int { descriptors, session, terminal, directory, signals, execute };

const char* describe(Stage stage) noexcept {
    switch (stage) {
        case Stage::descriptors: return "pass its descriptors";
        case Stage::session: return "make a session";
        case Stage::terminal: return "take the controlling terminal";
        case Stage::directory: return "enter its directory";
        case Stage::signals: return "reset signals";
        case Stage::execute: return "execute";
    }
    return "start";
}

struct ChildFailure {
    Stage stage;
    int error;
};

// All that the child uses, made before the clone: after it, nothing may be allocated.
struct Plan {
    const char* path = nullptr;
    const char* directory = nullptr;
    std::vector<char*> argv, env;
    std::vector<int> sources, targets, moved;  // moved: room for the sources' temporary numbers
    int terminal = -1;
    int failure_pipe = -1;
    int first_free = 0;  // above every target
    bool new_session = true;
    bool reset_signals = true;
    const std::function<int()>* entry = nullptr;
    sigset_t mask{};
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (const auto& s : strings) list.push_back(const_cast<char*>(s.c_str()));
    list.push_back(nullptr);
    return list;
}

[[noreturn]] void give_up(int pipe, Stage stage) noexcept {
    const ChildFailure failure{stage, errno};
    std::ignore = ::write(pipe, &failure, sizeof failure);
    ::_exit(127);
}

// Sources and targets may overlap in any way (0 to 1 while 1 goes to 0), so all sources first move above the targets.
// A duplicate made by dup3 without O_CLOEXEC is what the program inherits.
void pass_descriptors(Plan& plan) noexcept {
    const auto move_up = [&](int fd) noexcept {
        const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, plan.first_free);
        if (moved < 0) give_up(plan.failure_pipe, Stage::descriptors);
        return moved;
    };
    plan.failure_pipe = move_up(plan.failure_pipe);
    if (plan.terminal >= 0) plan.terminal = move_up(plan.terminal);
    for (std::size_t i = 0; i < plan.sources.size(); ++i) plan.moved[i] = move_up(plan.sources[i]);
    // Ours are close-on-exec from birth; a library's might not be. Not fatal before Linux 5.11, which has no such flag.
    ::syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_CLOEXEC);
    for (std::size_t i = 0; i < plan.targets.size(); ++i) {
        if (::dup3(plan.moved[i], plan.targets[i], 0) < 0) give_up(plan.failure_pipe, Stage::descriptors);
    }
}

void restore_signals(const Plan& plan) noexcept {
    if (plan.reset_signals) {
        struct sigaction standard{};
        standard.sa_handler = SIG_DFL;
        // SIGKILL, SIGSTOP and glibc's own two refuse, which is right.
        for (int signal = 1; signal <= SIGRTMAX; ++signal) ::sigaction(signal, &standard, nullptr);
    }
    if (::sigprocmask(SIG_SETMASK, &plan.mask, nullptr) < 0) give_up(plan.failure_pipe, Stage::signals);
}

// What an execution would do away with: descriptors that are nobody's, and the caller's environment, which the
// container could read from /proc.
[[noreturn]] void run_entry(Plan& plan) noexcept {
    for (int fd = 0; fd < plan.first_free; ++fd) {
        if (!std::ranges::contains(plan.targets, fd)) ::close(fd);
    }
    for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable)
        ::explicit_bzero(*variable, std::strlen(*variable));
    ::environ = plan.env.data();
    // The failure pipe too: its end says that nothing failed.
    ::syscall(SYS_close_range, static_cast<unsigned>(plan.first_free), ~0U, 0U);
    ::_exit((*plan.entry)());
}

// In the child, a copy of a process that may have had threads: async-signal-safe calls only.
[[noreturn]] void run_child(Plan& plan) noexcept {
    pass_descriptors(plan);
    if (plan.new_session && ::setsid() < 0) give_up(plan.failure_pipe, Stage::session);
    if (plan.terminal >= 0 && ::ioctl(plan.terminal, TIOCSCTTY, 0) < 0) give_up(plan.failure_pipe, Stage::terminal);
    if (::chdir(plan.directory) < 0) give_up(plan.failure_pipe, Stage::directory);
    restore_signals(plan);
    if (plan.entry != nullptr) run_entry(plan);
    ::execve(plan.path, plan.argv.data(), plan.env.data());
    give_up(plan.failure_pipe, Stage::execute);
}

Result<void> check(const SpawnRequest& request) {
    if (request.argv.empty()) return fail(Kind::bug, "start {}: no argv[0]", request.path);
    if (request.entry && !can_copy_this_process()) {
        return fail(Kind::bug, "start {}: a copy of a process with threads cannot go on", request.path);
    }
    for (std::size_t i = 0; i < request.fds.size(); ++i) {
        const auto& given = request.fds[i];
        if (!given.fd || given.number < 0) {
            return fail(Kind::bug, "start {}: descriptor {} is not open", request.path, given.number);
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (request.fds[j].number != given.number) continue;
            return fail(Kind::bug, "start {}: descriptor {} is given twice", request.path, given.number);
        }
    }
    return {};
}

Plan make_plan(const SpawnRequest& request, FdRef null, FdRef failure_pipe) {
    Plan plan;
    plan.path = request.path.c_str();
    plan.directory = request.directory.c_str();
    plan.argv = pointers(request.argv);
    plan.env = pointers(request.env);
    for (const auto& given : request.fds) {
        plan.sources.push_back(given.fd.raw());
        plan.targets.push_back(given.number);
    }
    for (int standard = 0; standard < 3; ++standard) {
        if (std::ranges::contains(plan.targets, standard)) continue;
        plan.sources.push_back(null.raw());
        plan.targets.push_back(standard);
    }
    plan.moved.resize(plan.sources.size());
    plan.first_free = *std::ranges::max_element(plan.targets) + 1;
    plan.terminal = request.controlling_terminal.raw();
    plan.failure_pipe = failure_pipe.raw();
    plan.new_session = request.new_session;
    plan.reset_signals = request.reset_signals;
    if (request.entry) plan.entry = &request.entry;
    return plan;
}

// clone3 with CLONE_VFORK but without CLONE_VM: the child has memory of its own, so nothing that it does can harm us,
// and the parent's copy-on-write faults wait until it has gone its way. One that executes nothing goes it at once.
Result<Child> clone_child(Plan& plan, FdRef cgroup) {
    int pidfd = -1;
    struct clone_args args{};
    args.flags = CLONE_PIDFD;
    if (plan.entry == nullptr) args.flags |= CLONE_VFORK;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (cgroup) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(cgroup.raw());
    }
    // Until the child has default handlers, none of ours may run in it.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    if (const int error = ::pthread_sigmask(SIG_SETMASK, &all, &before); error != 0)
        return fail_errno(error, "block signals");
    if (!plan.reset_signals) plan.mask = before;
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) run_child(plan);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return fail_errno(error, "clone a process");
    return Child{static_cast<pid_t>(pid), Fd(pidfd)};
}

// Kills a child that its owner lost interest in, with its session, and takes its exit status.
class KillGuard {
public:
    explicit KillGuard(const Child& child) noexcept : child_(&child) {}
    KillGuard(const KillGuard&) = delete;
    KillGuard& operator=(const KillGuard&) = delete;
    ~KillGuard() {
        if (child_ == nullptr) return;
        ::kill(-child_->pid, SIGKILL);  // its process group, as long as it is unreaped: it made a session
        std::ignore = sys::send_signal(child_->pidfd, SIGKILL);
        std::ignore = sys::wait_exit(child_->pidfd);
    }
    void disarm() noexcept { child_ = nullptr; }

private:
    const Child* child_;
};

// Takes what is there without waiting. False at the end of the pipe.
Result<bool> drain(FdRef pipe, std::string& out) {
    char buffer[4096];
    for (;;) {
        const ssize_t got = sys::retry_interrupted([&] { return ::read(pipe.raw(), buffer, sizeof buffer); });
        if (got < 0 && errno == EAGAIN) return true;
        if (got < 0) return fail_errno(errno, "read output");
        if (got == 0) return false;
        out.append(buffer, static_cast<std::size_t>(got));
        if (out.size() > kMaxOutput) out.erase(0, out.size() - kMaxOutput);
    }
}

bool names(const SpawnRequest& request, int number) {
    return std::ranges::contains(request.fds, number, &InheritedFd::number);
}

}  // namespace

bool can_copy_this_process() noexcept {
    struct stat threads{};  // each is a directory, counted beside "." and ".."
    return ::stat("/proc/self/task", &threads) == 0 && threads.st_nlink == 3;
}

Result<Child> spawn(const SpawnRequest& request) {
    TRY(check(request));
    const auto null = TRY(sys::open_path("/dev/null", O_RDWR), "start {}", request.path);
    auto [failed, report] = TRY(sys::make_pipe(), "start {}", request.path);
    Plan plan = make_plan(request, null, report);
    auto child = TRY(clone_child(plan, request.cgroup), "start {}", request.path);
    report.reset();
    ChildFailure failure{};
    const ssize_t got = sys::retry_interrupted([&] { return ::read(failed.raw(), &failure, sizeof failure); });
    if (got == 0) return child;
    std::ignore = sys::wait_exit(child.pidfd);
    if (got != sizeof failure)
        return fail(Kind::io, "start {}: the new process died before it could report", request.path);
    if (failure.stage == Stage::directory) {
        return fail_errno(failure.error, "start {}: enter directory {}", request.path, request.directory);
    }
    return fail_errno(failure.error, "start {}: {}", request.path, describe(failure.stage));
}

Result<Output> run(SpawnRequest request, int timeout_ms) {
    auto [reader, writer] = TRY(sys::make_pipe(), "run {}", request.path);
    TRY(sys::set_nonblocking(reader), "run {}", request.path);
    if (!names(request, STDOUT_FILENO)) request.fds.push_back({writer, STDOUT_FILENO});
    if (!names(request, STDERR_FILENO)) request.fds.push_back({writer, STDERR_FILENO});
    request.new_session = true;  // so that a timeout ends its children too
    const auto child = TRY(spawn(request));
    KillGuard guard(child);
    writer.reset();
    Output output;
    const std::int64_t deadline = sys::monotonic_ns() + timeout_ms * std::int64_t{1'000'000};
    bool open = true;
    for (;;) {
        const std::int64_t left = std::max<std::int64_t>(0, deadline - sys::monotonic_ns()) / 1'000'000;
        pollfd waits[2] = {{child.pidfd.raw(), POLLIN, 0}, {open ? reader.raw() : -1, POLLIN, 0}};
        const int ready = sys::retry_interrupted([&] { return ::poll(waits, 2, static_cast<int>(left)); });
        if (ready < 0) return fail_errno(errno, "run {}: wait", request.path);
        if (ready == 0 && deadline <= sys::monotonic_ns()) {
            return fail(Kind::timed_out, "run {}: killed, since it took longer than {} ms", request.path, timeout_ms);
        }
        // The state of the process is taken before its output: what it wrote before it ended is then all there. A
        // grandchild that keeps the pipe open is not waited for.
        const auto status = waits[0].revents != 0 ? TRY(sys::reap(child.pidfd), "run {}", request.path) : std::nullopt;
        if (status) guard.disarm();
        if (open) open = TRY(drain(reader, output.out), "run {}", request.path);
        if (status) {
            output.status = *status;
            return output;
        }
    }
}

}  // namespace diatom::proc
