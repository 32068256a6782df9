// PID 1: mounts, supervises, reaps, holds descriptors. One thread; no engine code runs in it; no allocation failure,
// full disk, missing partition or garbage on its sockets ends it.
//
//   mounts ──> machine ──> state partition ──> configuration ──> supervise ──poweroff, reboot, SIGTERM, power button──>
//   shutdown
#pragma once

#include <span>

namespace diatom::init {

// What others do for PID 1, in copies of it, so that nothing in what they read can end it. The result is an exit code.
struct Helpers {
    // Makes the machine what its configuration says, before the engines start. Prints lines that begin with "warning:
    // ", "error: " or "fatal: ", which keeps the engines from starting.
    int (*configure)() = nullptr;
    // Puts what was logged last into the machine's log, when nothing else runs any more.
    int (*keep_logs)() = nullptr;
};

// Returns only when this process is not PID 1 (with an exit code and a message on standard error).
int init_main(std::span<char*> args, const Helpers& helpers);

}  // namespace diatom::init
