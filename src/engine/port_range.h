// `-p 8000-8010:80`: the first free host port of a range. Thread side: as net::Network's.
#pragma once

#include "net/network.h"

namespace diatom::engine {

// A mapping without a range is reserved as it is. conflict when none is free.
Result<net::PublishedPort> reserve_port(net::Network& network, net::PortMapping wanted);

}  // namespace diatom::engine
