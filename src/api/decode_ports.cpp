#include "api/decode.h"
#include "base/strings.h"
#include "net/port.h"

namespace diatom::api {
namespace {

Result<net::PortMapping> decode_binding(const Json& binding, const net::Port& inside) {
    net::PortMapping mapping{.protocol = inside.protocol, .host = {}, .container_port = inside.number};
    const auto ip = TRY(json_string(binding, "HostIp"));
    if (!ip.empty() && ip != "0.0.0.0") mapping.host = TRY(net::Address::parse(ip));
    const auto text = TRY(json_string(binding, "HostPort"));
    if (text.empty()) return mapping;
    if (text.contains('-')) {
        return fail(Kind::unsupported, "a range of host ports (\"{}\") for one container port is not in this version",
                    text);
    }
    const auto port = parse_uint(text);
    if (!port || *port > UINT16_MAX) return fail(Kind::invalid, "invalid host port \"{}\"", text);
    mapping.host_port = static_cast<std::uint16_t>(*port);
    return mapping;
}

}  // namespace

Result<void> decode_ports(const Json& host, engine::ContainerConfig& config) {
    const Json& bindings = json_member(host, "PortBindings");
    if (bindings.is_null()) return {};
    if (!bindings.is_object()) return fail(Kind::invalid, "\"PortBindings\" must be an object");
    for (const auto& [key, list] : bindings.items()) {
        const auto inside = TRY(net::parse_port(key), "container port");
        if (!list.is_null() && !list.is_array())
            return fail(Kind::invalid, "\"PortBindings\" of {} must be a list", key);
        for (const auto& binding : list) {
            config.ports.push_back(TRY(decode_binding(binding, inside), "published port {}", key));
        }
    }
    return {};
}

}  // namespace diatom::api
