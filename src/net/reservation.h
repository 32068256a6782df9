// Host ports kept for containers by bound sockets. Thread side: any.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "net/network.h"

namespace diatom::net {

struct PortRange {
    std::uint16_t first = 49153, last = 65535;  // RFC 6335's dynamic ports less the first, Docker's fallback
};

// net.ipv4.ip_local_port_range of this namespace, as Docker takes it.
PortRange ephemeral_range();

// Binds the mapping's host port on its address, or on every IPv4 and IPv6 address. Without SO_REUSEADDR no other socket
// can then be bound to it, whether it sets that option or not. The sockets do not listen: a connection that no rule
// translates (IPv6 to a container that has none) is refused at once instead of hanging in a backlog that nobody
// accepts. conflict: "Bind for 0.0.0.0:8080 failed: port is already allocated".
Result<PublishedPort> reserve_port(const PortMapping& wanted);

// The same for a mapping without a host port: tries those of `range` in turn, from `next` on, which moves past the one
// that was found. exhausted when all are taken.
Result<PublishedPort> reserve_ephemeral(const PortMapping& wanted, const PortRange& range, std::uint16_t& next);

}  // namespace diatom::net
