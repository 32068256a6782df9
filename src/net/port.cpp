#include "net/port.h"

#include "base/strings.h"

namespace diatom::net {

const char* protocol_name(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp: return "tcp";
        case Protocol::udp: return "udp";
        case Protocol::sctp: return "sctp";
    }
    return "tcp";
}

Result<Port> parse_port(std::string_view text) {
    const auto halves = cut(text, '/').value_or(Halves{text, "tcp"});
    const auto number = parse_uint(halves.first);
    if (!number || *number == 0 || *number > UINT16_MAX)
        return fail(Kind::invalid, "invalid port \"{}\": its number must be from 1 to 65535", text);
    for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
        if (halves.second == protocol_name(protocol)) return Port{protocol, static_cast<std::uint16_t>(*number)};
    }
    return fail(Kind::invalid, "invalid port \"{}\": its protocol must be tcp, udp or sctp", text);
}

}  // namespace diatom::net
