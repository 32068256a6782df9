// Limits, figures and processes of a container that runs. They come from its cgroup: unsupported without one, but for
// the processes. Thread side: calling.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "oci/lifecycle.h"

namespace diatom::oci {

// A document of the runtime-spec's linux.resources; what it does not say stays. The device rules of a container are
// those of its creation.
Result<void> update(const Place& place, const std::string& id, Json resources);

// {"type":"stats","id":…,"data":…}, as runc's events have it.
Result<Json> stats(const Place& place, const std::string& id);

// Calls `emit` with statistics every `interval_ms`, and with {"type":"oom"} when the kernel has killed a process for
// want of memory, until the container ends.
Result<void> follow_events(const Place& place, const std::string& id, int interval_ms,
                           const std::function<Result<void>(const Json&)>& emit);

// Process IDs as the host knows them.
Result<std::vector<int>> processes(const Place& place, const std::string& id);

}  // namespace diatom::oci
