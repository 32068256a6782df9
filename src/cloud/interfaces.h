// What the versions of network documents share. Only network*.cpp and rancher_network.cpp include it.
// Thread side: any.
#pragma once

#include "cloud/draft.h"

namespace diatom::cloud {

void translate_network_v1(const Section& network, Draft& draft);
void translate_network_v2(const Section& network, Draft& draft);

// 24 of "255.255.255.0", of "24" and of "ffff:ff00::"; nothing of what is no mask.
std::optional<int> prefix_of_mask(std::string_view mask);
bool is_ipv6(std::string_view address);
// "192.0.2.7" and "255.255.255.0" as "192.0.2.7/24"; an address that has its length stays. Without either: one host.
std::string with_prefix(std::string_view address, std::string_view mask);
// Whether an address is in the network of another, such as 192.0.2.7/24.
bool is_inside(std::string_view address, std::string_view prefix);

// Says what a VLAN lacks.
void check_vlan(const Section& device, const Value& vlan);

// bonds.cpp: the name of bonding's mode, also by its number; nothing where there is none.
std::optional<std::string> bond_mode(std::string_view mode);
// As the kernel takes it: lists with commas, flags as 1 and 0.
std::string option_text(const Value& value);
// netplan's "parameters" to the machine's mode and options.
void read_netplan_bond(const Section& parameters, Value& bond);

}  // namespace diatom::cloud
