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
    // "8000-8010": whichever of them is free.
    const auto ends = cut(text, '-').value_or(Halves{text, text});
    const auto port = parse_uint(ends.first), last = parse_uint(ends.second);
    if (!port || !last || *port > *last || *last > UINT16_MAX || (*port == 0 && *last != 0))
        return fail(Kind::invalid, "invalid host port \"{}\"", text);
    mapping.host_port = static_cast<std::uint16_t>(*port);
    if (*last > *port) mapping.host_port_last = static_cast<std::uint16_t>(*last);
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
