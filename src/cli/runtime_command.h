// The subcommands of `diatom runtime`. Each gives the exit code, or the error that the command reports. Thread side:
// main thread.
#pragma once

#include <span>

#include "base/error.h"
#include "cli/arguments.h"
#include "oci/lifecycle.h"

namespace diatom::cli {

using RuntimeRun = Result<int> (*)(const oci::Place& place, std::span<char*> args);

Result<int> runtime_create(const oci::Place& place, std::span<char*> args);
Result<int> runtime_start(const oci::Place& place, std::span<char*> args);
Result<int> runtime_run(const oci::Place& place, std::span<char*> args);
Result<int> runtime_state(const oci::Place& place, std::span<char*> args);
Result<int> runtime_kill(const oci::Place& place, std::span<char*> args);
Result<int> runtime_delete(const oci::Place& place, std::span<char*> args);
Result<int> runtime_exec(const oci::Place& place, std::span<char*> args);
Result<int> runtime_pause(const oci::Place& place, std::span<char*> args);
Result<int> runtime_resume(const oci::Place& place, std::span<char*> args);
Result<int> runtime_update(const oci::Place& place, std::span<char*> args);
Result<int> runtime_events(const oci::Place& place, std::span<char*> args);
Result<int> runtime_ps(const oci::Place& place, std::span<char*> args);
Result<int> runtime_list(const oci::Place& place, std::span<char*> args);
Result<int> runtime_features(const oci::Place& place, std::span<char*> args);
Result<int> runtime_spec(const oci::Place& place, std::span<char*> args);

// The common ends of a subcommand.
enum class Words : std::uint8_t { none, id, id_and_more };
Result<Arguments> runtime_arguments(std::span<char*> args, std::span<const OptionSpec> specs, Words words,
                                    Order order = Order::mixed);
Result<void> print_json(const Json& value);

// --console-socket, --pid-file, --preserve-fds.
Result<oci::Wiring> wiring_of(const Arguments& arguments);

}  // namespace diatom::cli
