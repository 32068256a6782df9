// Ports as people write them: "80/tcp", "53/udp", "8080". Thread side: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "net/network.h"

namespace diatom::net {

struct Port {
    Protocol protocol = Protocol::tcp;
    std::uint16_t number = 0;
    friend bool operator==(const Port&, const Port&) = default;
};

const char* protocol_name(Protocol protocol);

// Without a protocol: TCP. invalid: another protocol, 0, or more than 65535.
Result<Port> parse_port(std::string_view text);

}  // namespace diatom::net
