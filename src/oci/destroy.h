// The end of a container: what its creation made is undone. Thread side: calling.
#pragma once

#include "base/error.h"
#include "oci/record.h"
#include "oci/state_dir.h"

namespace diatom::oci {

// Kills what is left of it and waits for the end of its init.
Result<void> end_processes(const Record& record);

// Removes cgroup and record of a container without processes, then runs its poststop hooks, whose failures are
// warnings.
Result<void> destroy(const StateDir& dir, const Record& record);
Result<void> kill_and_destroy(const StateDir& dir, const Record& record);

}  // namespace diatom::oci
