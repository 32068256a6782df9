// A container's cgroup: made, limited, its devices filtered. Thread side: any.
#pragma once

#include "base/error.h"
#include "runtime/spec.h"
#include "sys/cgroup.h"

namespace diatom::runtime {

// Creates the cgroup and applies all limits. On failure nothing is left behind. conflict: it holds processes already.
Result<sys::Cgroup> make_cgroup(const std::string& path, const Resources& resources);

// Writes the limits that are set; the others keep their values. Device rules are not touched (docker update).
Result<void> apply_resources(const sys::Cgroup& cgroup, const Resources& resources);

}  // namespace diatom::runtime
