// `diatom network`. Thread side: main thread.
#pragma once

#include <span>

namespace diatom::cli {

int network_command(std::span<char*> args);

}  // namespace diatom::cli
