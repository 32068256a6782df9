// The names and addresses of a container's interface, and its set-up from inside. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "net/links.h"
#include "net/network.h"

namespace diatom::net {

// What the host side of a veth says about its owner: "CONTAINER/INTERFACE".
std::string veth_alias(const std::string& container, const std::string& interface);
// Its name: "veth" and 7 hexadecimal digits of a hash of the alias. 28 bits collide sometimes, so there are several.
inline constexpr unsigned kVethNames = 8;
std::string veth_name(const std::string& alias, unsigned attempt);

// 02:42 and the IPv4 address, or 02:42 and a hash where there is none: the same after each restart.
Mac derive_mac(const std::vector<Address>& addresses, const std::string& name);

// Addresses, routes and state of the interface in its namespace, which already has it.
enum class Routing : std::uint8_t { none, by_gateway, by_interface };
Result<void> configure_endpoint(const std::vector<Pool>& pools, Routing routing, const EndpointSpec& endpoint,
                                FdRef netns);

// Names go into paths below /proc/sys: the kernel refuses these too, but later.
Result<void> check_interface_name(const std::string& name);

}  // namespace diatom::net
