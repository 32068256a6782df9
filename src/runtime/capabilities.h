// Linux capabilities by name, and the change to a set of them. Thread side: names any; the changes touch the calling
// thread only, which in the executor is the process. Source: capabilities(7); linux/capability.h of Linux 6.12.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// Bit n stands for capability number n.
using CapabilityMask = std::uint64_t;

inline constexpr CapabilityMask kSysAdmin = CapabilityMask{1} << 21U;

struct CapabilitySets {
    CapabilityMask bounding = 0, effective = 0, inheritable = 0, permitted = 0, ambient = 0;
};

// invalid: a name that no kernel knows, with the nearest one.
Result<CapabilityMask> capability_mask(const std::vector<std::string>& names);
Result<CapabilitySets> capability_sets(const Capabilities& names);

// What this thread is permitted: no more can be given to a container (a machine may itself lack some).
Result<CapabilityMask> permitted_capabilities();

Result<void> drop_bounding(CapabilityMask keep);
Result<void> set_capabilities(CapabilityMask effective, CapabilityMask permitted, CapabilityMask inheritable);
// Each must be permitted and inheritable (Linux 4.3).
Result<void> raise_ambient(CapabilityMask ambient);

}  // namespace diatom::runtime
