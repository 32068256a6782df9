// The descriptors of a process's standard streams: both sides made, ours parked with PID 1 so that they outlive this
// engine. Thread side: a worker thread; blocks.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/stdio.h"
#include "proc/supervisor.h"
#include "runtime/runtime.h"

namespace diatom::engine {

struct StreamPairs {
    StdioEnds ours;
    Fd in, out, err;  // the process's; closed once it is launched
    runtime::Stdio stdio() const { return {.in = in, .out = out, .err = err}; }
};
// With a terminal nothing is made: the runtime makes it.
Result<StreamPairs> make_streams(bool terminal, bool open_stdin);

std::string parked_scope(const EngineOptions& options);                          // "user/"
std::string parked_prefix(const EngineOptions& options, const std::string& id);  // "user/ID/"
std::string parked_batch(const EngineOptions& options);                          // "log/user/batch"
// Without our PID 1 (Kind::unavailable) the container merely does not outlive the engine with its output complete.
void park(const proc::Supervisor& supervisor, const std::string& prefix, const StdioEnds& ends);
StdioEnds recover_streams(const proc::Supervisor& supervisor, const std::string& prefix);

}  // namespace diatom::engine
