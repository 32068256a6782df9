#include "sys/process.h"

// glibc 2.41 forgot the C linkage of this header.
extern "C" {
#include <sys/pidfd.h>
}
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/retry.h"

namespace diatom::sys {
namespace {

constexpr std::size_t kStateField = 0;       // field 3 of proc_pid_stat(5), the first after the name
constexpr std::size_t kStartTimeField = 19;  // field 22

// The fields after the program's name, which may itself hold spaces and parentheses.
Result<std::string> stat_field(pid_t pid, std::size_t index) {
    auto text = read_file(std::format("/proc/{}/stat", pid));
    if (!text) return fail(Kind::not_found, "no process {}", pid);
    const auto halves = cut_last(*text, ')');
    const auto fields = split_words(halves ? halves->second : std::string_view());
    if (fields.size() <= kStartTimeField) return fail(Kind::corrupt, "/proc/{}/stat has {} fields", pid, fields.size());
    return std::string(fields[index]);
}

Result<std::optional<ExitStatus>> wait_for(FdRef pidfd, int options) {
    siginfo_t info{};
    const auto id = static_cast<id_t>(pidfd.raw());
    // __WALL: a container's first process may have been cloned without an exit signal.
    const int waited = retry_interrupted([&] { return ::waitid(P_PIDFD, id, &info, WEXITED | __WALL | options); });
    if (waited < 0 && errno == ECHILD) return fail(Kind::not_found, "reap: not a child of this process");
    if (waited < 0) return fail_errno(errno, "reap");
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code == CLD_EXITED) return ExitStatus{.code = info.si_status};
    return ExitStatus{.signal = info.si_status, .core_dumped = info.si_code == CLD_DUMPED};
}

std::optional<int> real_time_signal(std::string_view name) {
    if (name == "RTMIN") return SIGRTMIN;
    if (name == "RTMAX") return SIGRTMAX;
    const bool from_start = name.starts_with("RTMIN+");
    if (!from_start && !name.starts_with("RTMAX-")) return std::nullopt;
    const auto offset = parse_uint(name.substr(6));
    if (!offset || *offset > static_cast<std::uint64_t>(SIGRTMAX - SIGRTMIN)) return std::nullopt;
    return from_start ? SIGRTMIN + static_cast<int>(*offset) : SIGRTMAX - static_cast<int>(*offset);
}

}  // namespace

Result<std::uint64_t> start_time(pid_t pid) {
    const auto ticks = parse_uint(TRY(stat_field(pid, kStartTimeField)));
    if (!ticks) return fail(Kind::corrupt, "/proc/{}/stat: the start time is no number", pid);
    return *ticks;
}

Result<char> process_state(pid_t pid) { return TRY(stat_field(pid, kStateField)).front(); }

Result<Fd> open_pidfd(pid_t pid) {
    Fd fd(::pidfd_open(pid, 0));
    if (!fd) return fail_errno(errno, "open process {}", pid);
    return fd;
}

Result<Fd> open_pidfd(const ProcessId& process) {
    auto fd = TRY(open_pidfd(process.pid));
    // The pid cannot be given away between the two steps unless the descriptor refers to a dead process.
    if (TRY(start_time(process.pid)) != process.start_time) {
        return fail(Kind::not_found, "process {} has ended and its pid belongs to another", process.pid);
    }
    return fd;
}

Result<void> send_signal(FdRef pidfd, int signal) {
    if (::pidfd_send_signal(pidfd.raw(), signal, nullptr, 0) < 0) {
        return fail_errno(errno, "send {}", signal_name(signal));
    }
    return {};
}

Result<void> signal_session(const ProcessId& leader, int signal) {
    // Unreaped, it keeps its pid, and so the number of its group.
    if (TRY(start_time(leader.pid)) != leader.start_time) {
        return fail(Kind::not_found, "process {} has ended and its pid belongs to another", leader.pid);
    }
    if (::kill(-leader.pid, signal) < 0)
        return fail_errno(errno, "send {} to group {}", signal_name(signal), leader.pid);
    return {};
}

Result<std::optional<ExitStatus>> reap(FdRef pidfd) { return wait_for(pidfd, WNOHANG); }

Result<std::optional<ExitStatus>> peek_exit(FdRef pidfd) { return wait_for(pidfd, WNOHANG | WNOWAIT); }

bool has_ended(FdRef pidfd) noexcept {
    pollfd ended{.fd = pidfd.raw(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, 0) == 1 && (ended.revents & POLLIN) != 0;
}

Result<ExitStatus> wait_exit(FdRef pidfd) {
    const auto status = TRY(wait_for(pidfd, 0));
    if (!status) return fail(Kind::bug, "wait: returned before the process ended");
    return *status;
}

std::optional<int> parse_signal(const std::string& name) {
    if (const auto number = parse_int(name)) {
        if (*number < 1 || *number > SIGRTMAX) return std::nullopt;
        return static_cast<int>(*number);
    }
    std::string upper = name;
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    std::string_view abbreviation = upper;
    if (abbreviation.starts_with("SIG")) abbreviation.remove_prefix(3);
    for (int signal = 1; signal < SIGRTMIN; ++signal) {
        const char* known = ::sigabbrev_np(signal);
        if (known != nullptr && abbreviation == known) return signal;
    }
    if (abbreviation == "IOT") return SIGABRT;
    if (abbreviation == "CLD") return SIGCHLD;
    if (abbreviation == "IO") return SIGIO;
    return real_time_signal(abbreviation);
}

std::string signal_name(int signal) {
    if (const char* known = ::sigabbrev_np(signal)) return std::format("SIG{}", known);
    if (signal == SIGRTMIN) return "SIGRTMIN";
    if (signal > SIGRTMIN && signal <= SIGRTMAX) return std::format("SIGRTMIN+{}", signal - SIGRTMIN);
    return std::format("signal {}", signal);
}

}  // namespace diatom::sys
