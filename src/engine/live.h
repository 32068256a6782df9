// What the engine knows of a container and of an exec beside their records, while it runs. Thread side: the loop's.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/async.h"
#include "engine/json_log.h"
#include "engine/model.h"
#include "engine/stdio.h"
#include "runtime/spec.h"

namespace diatom::engine {

// A container and what lives with it.
struct Live {
    Live(const asio::any_io_executor& loop, Container r)
        : record(std::move(r)),
          lock(loop),
          changed(loop),
          logged(loop),
          hub(std::make_shared<StdioHub>(loop, record.config.tty, record.config.stdin_once)) {}

    bool active() const noexcept { return is_active(record.state.status); }

    Container record;  // as in the database
    AsyncMutex lock;
    Signal changed;  // exits, removed or the status changed
    Signal logged;
    std::uint64_t exits = 0;
    bool ending = false;  // an end is being recorded: status may have changed, exits has not yet
    bool removed = false;
    std::string wait_error;  // why the exit code is not the program's own
    std::shared_ptr<StdioHub> hub;
    std::shared_ptr<JsonLog> log;                           // while it runs
    std::uint64_t log_generation = 0;                       // of the last log
    std::shared_ptr<asio::posix::stream_descriptor> pidfd;  // while it runs
    std::uint64_t memory_kills = 0;                         // of its processes in this run, that were told of
    std::optional<runtime::Spec> spec;                      // as launched, for exec
    std::chrono::milliseconds back_off{0};
    bool keep_once = false;            // auto_remove: a restart's stop is not the end
    std::uint64_t restart_ticket = 0;  // raised to call off a pending restart
    bool returning = false;            // its engine died while a restart was pending
    std::uint64_t health_run = 0;      // raised to end the health checks of a run
};
using LivePtr = std::shared_ptr<Live>;

struct LiveExec {
    LiveExec(const asio::any_io_executor& loop, ExecState s)
        : state(std::move(s)), hub(std::make_shared<StdioHub>(loop, state.config.tty, true)) {}
    ExecState state;
    std::shared_ptr<StdioHub> hub;
    sys::ProcessId process;  // while it runs
    bool started = false;
    bool forgotten = false;  // the engine's own: who started it takes it away
};
using ExecPtr = std::shared_ptr<LiveExec>;

}  // namespace diatom::engine
