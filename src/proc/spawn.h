// Starting programs. The only place that forks, besides the executor's clone of a container. Thread side: any;
// between clone and exec the child takes no lock and allocates nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sys/process.h"

namespace diatom::proc {

// What becomes descriptor `number` in the program.
struct InheritedFd {
    FdRef fd;
    int number = 0;
};

struct SpawnRequest {
    std::string path;               // absolute, or "/proc/self/exe" for ourselves
    std::vector<std::string> argv;  // argv[0] included
    std::vector<std::string> env;   // KEY=VALUE, nothing is inherited
    std::vector<InheritedFd> fds;   // 0, 1 and 2 are /dev/null unless named here
    std::string directory = "/";
    FdRef cgroup = FdRef();   // CLONE_INTO_CGROUP (Linux 5.7) when set
    bool new_session = true;  // setsid
    FdRef controlling_terminal = FdRef();
    bool reset_signals = true;  // default dispositions, empty mask
    // Runs in a copy of this process in place of a program, and its result is the exit code: for a caller with one
    // thread, whose program would only start itself anew. It finds its descriptors and an empty environment, and the
    // caller's memory as it is now, without the caller's environment; path and argv are for messages.
    std::function<int()> entry = nullptr;
};

// Whether `entry` may be given: this process has one thread.
bool can_copy_this_process() noexcept;

struct Child {
    pid_t pid = 0;
    Fd pidfd;
};

// Failure to execute comes back as an error with errno (a close-on-exec pipe), never as a child that exits 127.
Result<Child> spawn(const SpawnRequest& request);

struct Output {
    sys::ExitStatus status;
    std::string out;  // standard output and error together; the last 64 KiB are kept
};
// Runs a program to its end. Kills it after `timeout_ms` (Kind::timed_out).
Result<Output> run(SpawnRequest request, int timeout_ms);

}  // namespace diatom::proc
