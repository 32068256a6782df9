// `ros config`: RancherOS's cloud-config.yml, in its own words; the machine's configuration has it as one source.
// Thread side: main thread.
#pragma once

#include <span>

#include "base/error.h"

namespace diatom::cli {

Result<int> ros_config(std::span<char*> args);

}  // namespace diatom::cli
