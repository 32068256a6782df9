// Changes of the machine's own file of configuration, as commands make them. Thread side: main thread.
#pragma once

#include <functional>
#include <string_view>

#include "document/value.h"

namespace diatom::cli {

// Reads it, edits it, writes it with its history. `what` is one line: "set hostname".
Result<void> change_configuration(std::string_view what, const std::function<Result<void>(Value&)>& edit);

}  // namespace diatom::cli
