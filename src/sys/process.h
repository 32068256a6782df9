// Processes by pidfd. Thread side: any.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// How a process ended, as waitid(2) tells it.
struct ExitStatus {
    int code = 0;    // exit code, 0 when killed
    int signal = 0;  // terminating signal, 0 when it exited
    bool core_dumped = false;
    // The shell's convention, which Docker follows: 128 + signal.
    int shell_code() const noexcept { return signal != 0 ? 128 + signal : code; }
    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// A process for good: pids are reused, a pid together with its start time is not.
struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
    friend bool operator==(const ProcessId&, const ProcessId&) = default;
    friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

Result<std::uint64_t> start_time(pid_t pid);        // works on zombies too
Result<char> process_state(pid_t pid);              // 'R', 'S', 'Z', …
Result<Fd> open_pidfd(pid_t pid);                   // pidfd_open(2), Linux 5.3
Result<Fd> open_pidfd(const ProcessId& process);    // not_found when the pid now belongs to another process
Result<void> send_signal(FdRef pidfd, int signal);  // pidfd_send_signal(2)
// To a session leader of ours that is not reaped yet, and all of its process group. not_found: the pid is another's.
Result<void> signal_session(const ProcessId& leader, int signal);
// Reaps a child by its pidfd. Nothing while it still runs. A process that is not our child: not_found (ECHILD).
Result<std::optional<ExitStatus>> reap(FdRef pidfd);
// The same without reaping: should we be killed now, whoever becomes its parent still learns how it ended (WNOWAIT).
Result<std::optional<ExitStatus>> peek_exit(FdRef pidfd);
bool has_ended(FdRef pidfd) noexcept;       // whoever's child it is
Result<ExitStatus> wait_exit(FdRef pidfd);  // blocks; for tests and short-lived helpers

// Signals as names: "SIGTERM", "TERM", "15"; nothing for anything else.
std::optional<int> parse_signal(const std::string& name);
std::string signal_name(int signal);

}  // namespace diatom::sys
