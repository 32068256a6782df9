// Starting containers. A short-lived single-threaded executor (this same program) clones the container straight into
// its cgroup as a child of the caller (CLONE_PARENT), so that the caller waits for it by pidfd and no helper stays.
//
//   launch() ──> created ──start()──> running ──> ended (reaped by the caller through the pidfd)
//                  │ Created destroyed, or the caller dies: the container's init sees EOF and exits
//                  └─ hold(listener) ──> it waits for whoever connects; the caller may end
//
// Thread side: any thread; launch and exec block for some milliseconds, so the engine calls them from its worker pool.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"
#include "sys/process.h"

namespace diatom::runtime {

// What the process gets as 0, 1, 2. Unset: /dev/null. Ignored with a terminal. `more` become 3, 4, …
struct Stdio {
    FdRef in = FdRef(), out = FdRef(), err = FdRef();
    std::vector<FdRef> more = {};
};
inline constexpr std::size_t kMaxPassed = 48;

// Whether a program that is not there, or not named, fails the launch or the start.
enum class ProgramCheck : std::uint8_t { at_start, at_launch };

// A process that is set up but has not executed its program yet.
class Created {
public:
    Created(sys::ProcessId process, Fd pidfd, Fd control, Fd terminal)
        : process_(process), pidfd_(std::move(pidfd)), control_(std::move(control)), terminal_(std::move(terminal)) {}
    Created(Created&&) noexcept = default;
    Created& operator=(Created&& other) noexcept;
    // Never started: ends it, and reaps it unless the pidfd was taken.
    ~Created();

    const sys::ProcessId& process() const noexcept { return process_; }
    FdRef pidfd() const noexcept { return pidfd_; }
    Fd take_pidfd() noexcept { return std::move(pidfd_); }
    Fd take_terminal() noexcept { return std::move(terminal_); }  // pty master, when process.terminal

    // Lets it execute. not_found: no such program (exit code 127); denied: not executable (126); the
    // message is Docker's ('exec: "nope": executable file not found in $PATH').
    // A failed start ends the process and reaps it, unless the pidfd was taken: then the caller reaps, as always.
    Result<void> start();

    // Leaves it to wait at a listening socket (SocketType::packet) of the caller's: it survives the caller, and who
    // connects there makes a Created of that connection, in any process, and starts it.
    Result<void> hold(FdRef listener);

private:
    void abandon() noexcept;
    sys::ProcessId process_;
    Fd pidfd_, control_, terminal_;
};

// Errors name stage, path and errno: "mount /proc in container: EPERM".
// Runs the hooks that belong to the creation.
Result<Created> launch(const Spec& spec, const Stdio& stdio, ProgramCheck check = ProgramCheck::at_start);

// One more process in a running container: joins all its namespaces, its root and its cgroup.
Result<Created> exec(const sys::ProcessId& target, const Spec& container, const Process& process, const Stdio& stdio);

// argv[0] under which this program is the executor; main() hands over to executor_main at once.
inline constexpr const char* kExecutorName = "diatom-executor";
int executor_main();

// Resolves "user[:group]" with names looked up in the container's own /etc/passwd and /etc/group, inside `root`.
Result<User> resolve_user(FdRef root, const std::string& user, const std::vector<std::string>& extra_groups);

}  // namespace diatom::runtime
