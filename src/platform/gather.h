// All that is known of a machine's configuration from outside. Thread side: as sources.h.
#pragma once

#include "platform/sources.h"

namespace diatom::platform {

struct Gathered {
    // In rising order of precedence: the state partition's file, the platform, the kernel command line's URLs.
    std::vector<Instance> instances;
    std::vector<std::string> warnings;  // what was not there, and what is odd in what was
};

// Reads what the plan says. An error: something that should be there could not be read before the deadline; what was
// read until then is not given out, so that no half of a configuration is applied.
Task<Gathered> gather(Access& access, Plan plan);

// One source.
Task<Instance> read_source(Access& access, Candidate candidate);

}  // namespace diatom::platform
