// The networks of a container as its user configured them, and what follows from that. Thread side: any; pure.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container_list.h"
#include "engine/model.h"

namespace diatom::engine {

// The network that a mode stands for: "default" is the bridge, or the host's on an engine without one.
std::string effective_network(const std::string& mode, bool has_bridge);

// Whether names are resolved there, aliases and addresses can be given: not on bridge, host and none.
bool is_user_defined(const std::string& network);

// What create() does with a new container's networks: the mode's first, the others by name; conflicts are refused.
Result<void> complete_networks(ContainerConfig& config, bool has_bridge);
// Of one network, with its name filled in.
Result<void> check_endpoint(const EndpointConfig& endpoint);

// All that a start joins, the mode's network at least; empty with the namespace of another container.
std::vector<EndpointConfig> wanted_endpoints(const ContainerConfig& config, bool has_bridge);

// By which others on the network find it: its name, its aliases, the first 12 digits of its id, its host name.
std::vector<std::string> dns_names(const Container& container, const EndpointConfig& endpoint);

// Whether one of the containers, running or not, is configured for it.
bool is_used(const NetworkRecord& network, const ContainerList& containers);

std::vector<net::PortMapping> wanted_ports(const ContainerConfig& config);

}  // namespace diatom::engine
