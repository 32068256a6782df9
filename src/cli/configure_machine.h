// The configuration as the boot applies it. Thread side: each call is a process of its own.
#pragma once

namespace diatom::cli {

// Before the engines: what PID 1 runs in a copy of itself. Prints what PID 1 is to log, one line each, as "warning: …",
// "error: …", or "fatal: …" of an Ignition that failed, which ends the boot. The exit code is 0 when everything was
// done.
int configure_machine();

// When the user engine is up: the service `configure`.
int configure_machine_late();

}  // namespace diatom::cli
