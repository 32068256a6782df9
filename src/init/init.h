// PID 1: mounts, supervises, reaps, holds descriptors. One thread; no engine code runs in it; no allocation failure,
// full disk, missing partition or garbage on its sockets ends it.
//
//   mounts ──> machine ──> state partition ──> configuration ──> supervise ──poweroff, reboot, SIGTERM, power button──>
//   shutdown
#pragma once

#include <span>

namespace diatom::init {

// Makes the machine what its configuration says, before the engines start. It runs in a copy of PID 1, prints lines
// that begin with "warning: ", "error: " or "fatal: ", which keeps the engines from starting; its result is an exit
// code.
using Configure = int (*)();

// Returns only when this process is not PID 1 (with an exit code and a message on standard error).
int init_main(std::span<char*> args, Configure configure);

}  // namespace diatom::init
