#include "engine/port_range.h"

#include <utility>

namespace diatom::engine {

Result<net::PublishedPort> reserve_port(net::Network& network, net::PortMapping wanted) {
    const unsigned last = std::exchange(wanted.host_port_last, std::uint16_t{0});
    if (last <= wanted.host_port) return network.reserve(wanted);
    for (unsigned port = wanted.host_port; port <= last; ++port) {
        wanted.host_port = static_cast<std::uint16_t>(port);
        auto reserved = network.reserve(wanted);
        if (reserved || reserved.error().kind() != Kind::conflict || port == last) return reserved;
    }
    return fail(Kind::bug, "no port of the range was tried");
}

}  // namespace diatom::engine
