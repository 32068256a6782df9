// What --device asks for, as the host has it now. Thread side: any; looks at files of the machine.
#pragma once

#include "engine/model.h"

namespace diatom::engine {

// The nodes that the container gets: one, or all below a directory. invalid, in Docker's words, when the host has no
// such device.
Result<std::vector<runtime::Device>> find_devices(const DeviceMapping& mapping);

// Adds nodes and, unless everything is allowed anyway, the rules that let the container use them.
Result<void> apply_devices(runtime::Spec& spec, const ContainerConfig& config);

}  // namespace diatom::engine
