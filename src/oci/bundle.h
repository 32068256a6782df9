// A bundle: a directory with config.json and, usually, the root file system. Thread side: any.
// Source: runtime-spec "bundle" and "config", of Linux.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "runtime/spec.h"

namespace diatom::oci {

enum class CgroupManager : std::uint8_t { cgroupfs, disabled };

// The configuration as the runtime library takes it: relative paths resolved against the bundle, the devices that every
// container has added, the cgroup named. With cgroups disabled, limits are refused by name.
Result<runtime::Spec> load_bundle(const std::string& bundle, const std::string& id, CgroupManager cgroups);

}  // namespace diatom::oci
