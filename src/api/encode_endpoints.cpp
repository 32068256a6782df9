// A container's networks and ports as Docker's JSON.
#include <algorithm>

#include "api/encode.h"
#include "net/port.h"

namespace diatom::api {
namespace {

std::string port_key(const net::PortMapping& mapping) {
    return std::format("{}/{}", mapping.container_port, net::protocol_name(mapping.protocol));
}

struct HostSide {
    std::string address;
    std::uint16_t port = 0;  // 0: reached at the container's own address
};

// A mapping without an address is on all of them: clients see an entry for each IP version by which the container has
// a way out, and so in.
std::vector<HostSide> host_sides(const engine::Container& container, const net::PortMapping& mapping) {
    if (!mapping.host.empty()) return {{mapping.host.text(), mapping.host_port}};
    std::vector<HostSide> sides;
    const auto routed = [&](bool engine::EndpointState::* flag) {
        return std::ranges::any_of(container.endpoints, [&](const auto& e) { return e.*flag; });
    };
    const auto add = [&](const char* address, bool open) {
        sides.push_back({address, open ? std::uint16_t{0} : mapping.host_port});
    };
    const auto has = [&](net::Address engine::EndpointState::* gateway) {
        return std::ranges::any_of(container.endpoints, [&](const auto& e) { return !(e.*gateway).empty(); });
    };
    if (has(&engine::EndpointState::gateway4)) add("0.0.0.0", routed(&engine::EndpointState::routed4));
    if (has(&engine::EndpointState::gateway6)) add("::", routed(&engine::EndpointState::routed6));
    return sides;
}

}  // namespace

Json encode_ports(const engine::Container& container) {
    Json ports = Json::array();
    const bool live =
        container.state.status == engine::Status::running || container.state.status == engine::Status::paused;
    if (!live) return ports;
    for (const auto& mapping : container.published) {
        for (const auto& side : host_sides(container, mapping)) {
            ports.push_back({{"IP", side.address},
                             {"PrivatePort", mapping.container_port},
                             {"PublicPort", side.port},
                             {"Type", net::protocol_name(mapping.protocol)}});
            if (side.port == 0) ports.back().erase("PublicPort");
        }
    }
    for (const auto& exposed : container.config.exposed_ports) {
        const auto port = net::parse_port(exposed);
        const auto same = [&](const net::PortMapping& m) {
            return m.container_port == port->number && m.protocol == port->protocol;
        };
        if (port && std::ranges::none_of(container.published, same))
            ports.push_back({{"PrivatePort", port->number}, {"Type", net::protocol_name(port->protocol)}});
    }
    return ports;
}

Json encode_port_map(const engine::Container& container) {
    Json map = Json::object();
    for (const auto& exposed : container.config.exposed_ports) {
        map[exposed.find('/') == std::string::npos ? exposed + "/tcp" : exposed] = nullptr;
    }
    for (const auto& mapping : container.published) {
        auto& entries = map[port_key(mapping)];
        for (const auto& side : host_sides(container, mapping))
            entries.push_back(
                {{"HostIp", side.address}, {"HostPort", side.port == 0 ? "" : std::to_string(side.port)}});
    }
    return map;
}

namespace {

void write_ipam(JsonText& out, const engine::EndpointConfig& config) {
    out.key("IPAMConfig");
    if (config.ip4.empty() && config.ip6.empty() && config.link_local.empty()) return out.value(nullptr);
    out.begin_object();
    if (!config.ip4.empty()) out.member("IPv4Address", config.ip4.text());
    if (!config.ip6.empty()) out.member("IPv6Address", config.ip6.text());
    if (!config.link_local.empty()) {
        out.key("LinkLocalIPs");
        out.begin_array();
        for (const auto& address : config.link_local) out.value(address.text());
        out.end_array();
    }
    out.end_object();
}

// `state`: empty while the container does not run.
void write_endpoint(JsonText& out, const engine::EndpointConfig& config, const engine::EndpointState& state) {
    out.begin_object();
    write_ipam(out, config);
    out.member_or_null("Links", config.links);
    out.member_or_null("Aliases", config.aliases);
    out.member("MacAddress", state.mac.empty() ? config.mac : state.mac);
    out.member_or_null("DriverOpts", config.options);
    out.member("GwPriority", config.gateway_priority);
    out.member("NetworkID", state.network_id);
    out.member("EndpointID", state.endpoint_id);
    out.member("Gateway", state.gateway4.text());
    out.member("IPAddress", state.ip4.text());
    out.member("IPPrefixLen", state.prefix4);
    out.member("IPv6Gateway", state.gateway6.text());
    out.member("GlobalIPv6Address", state.ip6.text());
    out.member("GlobalIPv6PrefixLen", state.prefix6);
    out.member_or_null("DNSNames", state.names);
    out.end_object();
}

}  // namespace

void write_networks(JsonText& out, const engine::Container& container) {
    static const engine::EndpointConfig kNothingAsked;
    out.begin_object();
    for (const auto& endpoint : container.endpoints) {
        const auto config =
            std::ranges::find(container.config.networks, endpoint.network, &engine::EndpointConfig::network);
        out.key(endpoint.network);
        write_endpoint(out, config == container.config.networks.end() ? kNothingAsked : *config, endpoint);
    }
    for (const auto& config : container.config.networks) {
        if (std::ranges::contains(container.endpoints, config.network, &engine::EndpointState::network)) continue;
        out.key(config.network);
        write_endpoint(out, config, {});
    }
    out.end_object();
}

Json encode_network_settings(const engine::Container& container) {
    // The old members without a network's name are the default bridge's.
    const auto bridge = std::ranges::find(container.endpoints, "bridge", &engine::EndpointState::network);
    const auto first = bridge == container.endpoints.end() ? engine::EndpointState{} : *bridge;
    JsonText networks;
    write_networks(networks, container);
    return {{"Bridge", ""},
            {"SandboxID", container.state.process.pid != 0 ? container.id : ""},
            {"SandboxKey",
             container.state.process.pid != 0 ? std::format("/proc/{}/ns/net", container.state.process.pid) : ""},
            {"Ports", encode_port_map(container)},
            {"EndpointID", first.endpoint_id},
            {"Gateway", first.gateway4.text()},
            {"IPAddress", first.ip4.text()},
            {"IPPrefixLen", first.prefix4},
            {"IPv6Gateway", first.gateway6.text()},
            {"GlobalIPv6Address", first.ip6.text()},
            {"GlobalIPv6PrefixLen", first.prefix6},
            {"MacAddress", first.mac},
            {"Networks", networks.tree()}};
}

}  // namespace diatom::api
