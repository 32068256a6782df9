// What a network that a user wants becomes: checked, with its defaults filled in. Thread side: the network strand, for
// it looks at the routes of this host.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "net/network.h"

namespace diatom::engine {

inline constexpr const char* kMasqueradeOption = "com.docker.network.bridge.enable_ip_masquerade";
inline constexpr const char* kIccOption = "com.docker.network.bridge.enable_icc";
inline constexpr const char* kBridgeNameOption = "com.docker.network.bridge.name";
inline constexpr const char* kHostBindingOption = "com.docker.network.bridge.host_binding_ipv4";
inline constexpr const char* kPrefixOption = "com.docker.network.container_iface_prefix";
inline constexpr const char* kGatewayMode4Option = "com.docker.network.bridge.gateway_mode_ipv4";
inline constexpr const char* kGatewayMode6Option = "com.docker.network.bridge.gateway_mode_ipv6";
inline constexpr const char* kMtuOption = "com.docker.network.driver.mtu";

// `wanted`: name, driver, pools, flags, labels and options as the user gave them. Fills in id, time, bridge, subnets
// and gateways. conflict: the name, the interface or a subnet is taken.
Result<NetworkRecord> plan_network(NetworkRecord wanted, const std::vector<NetworkRecord>& existing);
NetworkRecord plan_builtin(const std::string& name, const std::string& driver);
Result<NetworkRecord> plan_default_bridge(const std::string& interface);

bool is_child_driver(const std::string& driver);  // macvlan, ipvlan: interfaces on a card of this host
net::BridgeSpec bridge_spec(const NetworkRecord& record);
net::ChildSpec child_spec(const NetworkRecord& record);

}  // namespace diatom::engine
