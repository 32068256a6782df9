// PID 1: mounts, supervises, reaps, holds descriptors. One thread; no engine code runs in it; no allocation failure,
// full disk, missing partition or garbage on its sockets ends it.
//
//   mounts ──> machine ──> state partition ──> supervise ──poweroff, reboot, SIGTERM, power button──> shutdown
#pragma once

#include <span>

namespace diatom::init {

// Returns only when this process is not PID 1 (with an exit code and a message on standard error).
int init_main(std::span<char*> args);

}  // namespace diatom::init
