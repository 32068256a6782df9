// A command in a container with our own terminal or pipes. Thread side: main thread; blocks.
#pragma once

#include <string>

#include "cli/compose_command.h"

namespace diatom::cli {

enum class Attached : std::uint8_t { no, yes };

// `body`: of POST /containers/X/exec, without what follows from the rest. Its exit code; 0 when it is not attached.
Result<int> exec_in(const compose::Client& client, const std::string& container, Value body, Attached attached,
                    Terminal terminal);

// Starts a container, and is its terminal until it ends; its exit code.
Result<int> run_attached(const compose::Client& client, const std::string& id, Terminal terminal);

// Whether there is a terminal to give.
Terminal own_terminal();

}  // namespace diatom::cli
