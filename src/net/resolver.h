// Where the containers of a network namespace ask for names: 127.0.0.11, port 53. Thread side: any; blocks for some
// netlink round trips.
//
// The sockets are ours, on ports of their own: port 53 stays free for a container that serves names itself. A table in
// the container's namespace, "inet diatom-dns", exchanges the port numbers of what goes to and comes from there. It
// keeps no state: address translation would make the kernel track every connection of the container.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::net {

inline constexpr const char* kResolverAddress = "127.0.0.11";

// Not blocking; `tcp` listens. They keep the namespace alive: close them when its container ends.
struct ResolverSockets {
    Fd udp, tcp;
};

// In place of those that are there. The namespace's loopback interface is up.
Result<ResolverSockets> open_resolver(FdRef netns);

// A socket for asking a server from within the namespace. `family`: AF_INET or AF_INET6; `type`: SOCK_DGRAM or
// SOCK_STREAM.
Result<Fd> open_socket_in(FdRef netns, int family, int type);

}  // namespace diatom::net
