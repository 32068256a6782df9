// What of addresses, routes and rules is to be changed: wanted against what the kernel has. Pure. Thread side: any.
//
// What is there and right is not touched. What is there and not wanted goes only where it was made by the configuration
// (kOurs), or by those whom it asked: leases and router advertisements on links that ask no more.
#pragma once

#include <set>

#include "uplink/kernel.h"

namespace diatom::uplink {

// Links that asked while the configuration was another.
using Asked = std::set<std::string>;

struct AddressChange {
    int index = 0;
    WantedAddress is;
    friend bool operator==(const AddressChange&, const AddressChange&) = default;
};
struct RouteChange {
    int index = 0;
    WantedRoute is;
};

struct AddressChanges {
    std::vector<AddressChange> add, remove;
};
struct RouteChanges {
    std::vector<RouteChange> add;
    std::vector<KernelRoute> remove;
};
struct RuleChanges {
    std::vector<WantedRule> add;
    std::vector<KernelRule> remove;
};

AddressChanges address_changes(const Wanted& wanted, const std::vector<Present>& present, const Asked& asked,
                               const std::vector<KernelAddress>& there);
RouteChanges route_changes(const Wanted& wanted, const std::vector<Present>& present, const Asked& asked,
                           const std::vector<KernelRoute>& there);
RuleChanges rule_changes(const Wanted& wanted, const std::vector<KernelRule>& there);

// What a link lacks of what is said of it: "a carrier", "its address 192.0.2.7". Empty: nothing.
std::string lack(const WantedLink& said, const Present& link, const Wanted& wanted,
                 const std::vector<KernelAddress>& there);

// What the machine still waits for before it is online: "eth0: an address by DHCP". Empty: it is.
std::vector<std::string> awaited(const Wanted& wanted, const std::vector<Present>& present,
                                 const std::vector<KernelAddress>& there);

}  // namespace diatom::uplink
