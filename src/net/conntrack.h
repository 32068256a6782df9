// Flows of datagrams that the kernel still remembers. Addresses are translated as the first packet of a flow was, and
// UDP has no end: a client that keeps its source port keeps its translation, or the lack of one, for as long as it
// sends. Thread side: one thread at a time per socket.
#pragma once

#include <cstdint>
#include <set>

#include "base/error.h"
#include "net/netlink.h"

namespace diatom::net {

enum class Translated : std::uint8_t { no, destination };

// Forgets the UDP flows to any of `ports` of this host: after publishing those that began before and went to the host
// itself, after unpublishing those that still go to a container which is gone or whose address has another owner.
// One pass over the kernel's table of connections. `socket`: NETLINK_NETFILTER. On a kernel without ctnetlink it does
// nothing. Source: net/netfilter/nf_conntrack_netlink.c of Linux 6.12.
Result<void> forget_flows(NetlinkSocket& socket, const std::set<std::uint16_t>& ports, Translated which);

}  // namespace diatom::net
