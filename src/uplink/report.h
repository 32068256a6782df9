// What people and programs are shown of the network: documents for `diatom network`. Pure. Thread side: any.
#pragma once

#include "document/value.h"
#include "uplink/changes.h"

namespace diatom::uplink {

// What the configuration means for the links that there are.
Value show(const Wanted& wanted);

// What the kernel has, link by link, and what of the wanted is not there.
struct Seen {
    std::vector<Present> links;
    std::vector<KernelAddress> addresses;
    std::vector<KernelRoute> routes;
    std::vector<KernelRule> rules;
    std::string resolv_conf;
};
Value status(const Wanted& wanted, const Seen& seen);

}  // namespace diatom::uplink
