// Connections that the kernel still remembers. Thread side: one thread at a time per socket.
#pragma once

#include "base/error.h"
#include "net/address.h"
#include "net/netlink.h"

namespace diatom::net {

// Forgets every connection that was translated to, or came from, `container`. UDP has no end: without this the packets of
// a client that keeps its source port would go on to the address of a container that is gone, or to the one that
// inherited it. `socket`: NETLINK_NETFILTER. Needs Linux 5.8 (CTA_FILTER); on a kernel without ctnetlink it does nothing.
Result<void> forget_connections(NetlinkSocket& socket, const Address& container);

}  // namespace diatom::net
