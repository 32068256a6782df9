// The network's part of the configuration: written down for the system service that makes it true (src/uplink).
// Thread side: any; blocks.
#pragma once

#include "configure/apply.h"

namespace diatom::configure {

// What the document says of the network, for the service. True when it is other than before.
Result<bool> write_network(const Value& machine, const Root& root);

// At a boot, before anything else is read: a change of the network that nobody confirmed goes. Gives what is to be
// said.
std::vector<std::string> take_back_network(const Root& root);

void plan_network(const Value& machine, Phase phase, const Root& root, Plan& plan);

}  // namespace diatom::configure
