// Device nodes of the host, to be made in a container as well. Thread side: any; looks at the file system.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// The node that `path` leads to, links followed, under the name `path`. not_found; invalid when it is no device.
Result<Device> host_device(const std::string& path);

// Every device node below `directory`, which may be a link; no other links are followed. What a container has of its
// own (pts, shm, console, …) is left out.
std::vector<Device> host_devices_below(const std::string& directory);

}  // namespace diatom::runtime
