// What the service of the network remembers beyond its own end: a file in /run. Thread side: one at a time.
#pragma once

#include "uplink/reconcile.h"

namespace diatom::uplink {

struct ServiceMemory {
    Memory links;
    bool prepared = false;                  // the commands before were run in this boot
    bool finished = false;                  // those after, too
    std::map<std::string, std::string> up;  // links whose commands were run: the link's index and the commands
};

// Nothing where there is no file. corrupt: it is no memory.
Result<std::optional<ServiceMemory>> read_memory(const std::string& file);
Result<void> write_memory(const std::string& file, const ServiceMemory& memory);

}  // namespace diatom::uplink
