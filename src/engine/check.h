// What `diatom system check` tells of an engine. The invariants, each for what no request is changing just now:
//
//   records      the database is whole, and has the containers, volumes and networks that the engine knows
//   processes    a container that runs has its process, its control group and its parked streams; nothing ended waits
//   disk         no directory of a container, root file system, volume or layer without its record, nor the reverse
//   mounts       nothing is mounted below the engine's directories but the volumes of running containers
//   network      no veth pair, bridge, address or nftables element without its container or network, nor the reverse
//   descriptors  one pidfd a process; PID 1 keeps streams of running containers only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/finding.h"

namespace diatom::engine {

struct CheckReport {
    Findings findings;                 // empty: every invariant holds
    std::vector<std::string> skipped;  // what could not be looked at, and why
    std::uint64_t containers = 0, running = 0;
    std::uint64_t descriptors = 0;  // open ones of the engine
};

}  // namespace diatom::engine
