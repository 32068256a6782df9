#include "engine/endpoints.h"

#include <algorithm>

#include "base/strings.h"
#include "engine/endpoint_options.h"
#include "engine/etc_files.h"
#include "engine/legacy_links.h"
#include "net/links.h"
#include "net/port.h"

namespace diatom::engine {
namespace {

bool shares_namespace(const std::string& mode) { return mode.starts_with("container:"); }

Result<void> check_shared(const ContainerConfig& config) {
    if (!config.hostname.empty()) return fail(Kind::invalid, "conflicting options: hostname and the network mode");
    if (!config.ports.empty() || config.publish_all)
        return fail(Kind::invalid, "conflicting options: port publishing and the container type network mode");
    if (!config.exposed_ports.empty())
        return fail(Kind::invalid, "conflicting options: port exposing and the container type network mode");
    if (!config.dns.empty()) return fail(Kind::invalid, "conflicting options: dns and the network mode");
    if (!config.extra_hosts.empty())
        return fail(Kind::invalid, "conflicting options: custom host-to-IP mapping and the network mode");
    if (!config.networks.empty() || !config.mac.empty())
        return fail(Kind::invalid,
                    "container sharing network namespace with another container or host cannot be connected to any "
                    "other network");
    return {};
}

}  // namespace

std::string effective_network(const std::string& mode, bool has_bridge) {
    if (mode.empty() || mode == "default") return has_bridge ? "bridge" : "host";
    return mode;
}

bool is_user_defined(const std::string& network) {
    return network != "bridge" && network != "host" && network != "none" && network != "default" &&
           !shares_namespace(network);
}

Result<void> check_endpoint(const EndpointConfig& endpoint) {
    if (!is_user_defined(endpoint.network)) {
        if (!endpoint.aliases.empty())
            return fail(Kind::invalid, "network-scoped aliases are only supported for user-defined networks");
        if (!endpoint.ip4.empty() || !endpoint.ip6.empty())
            return fail(Kind::invalid, "user specified IP address is supported on user defined networks only");
        if (!endpoint.links.empty())
            return fail(Kind::unsupported, "network {} is linked by when a container is created: docker run --link",
                        endpoint.network);
    }
    if (!endpoint.ip4.empty() && endpoint.ip4.family() != net::Address::Family::v4)
        return fail(Kind::invalid, "invalid IPv4 address: {}", endpoint.ip4.text());
    if (!endpoint.ip6.empty() && endpoint.ip6.family() != net::Address::Family::v6)
        return fail(Kind::invalid, "invalid IPv6 address: {}", endpoint.ip6.text());
    for (const auto& address : endpoint.link_local) {
        if (!net::is_link_local(address))
            return fail(Kind::invalid, "invalid link-local IP address: {}", address.text());
    }
    if (!endpoint.mac.empty()) TRY(net::parse_mac(endpoint.mac));
    TRY(check_endpoint_options(endpoint));
    for (const auto& link : endpoint.links) {
        const auto halves = cut(link, ':');
        if (link.empty() || (halves && (halves->first.empty() || halves->second.empty())))
            return fail(Kind::invalid, "bad format for links: {}", link);
    }
    return {};
}

Result<void> complete_networks(ContainerConfig& config, bool has_bridge) {
    TRY(take_links(config, effective_network(config.network_mode, has_bridge)));
    if (shares_namespace(config.network_mode)) {
        // Clients name the mode among the networks too.
        std::erase_if(config.networks, [&](const auto& endpoint) { return endpoint.network == config.network_mode; });
        return check_shared(config);
    }
    const std::string mode = effective_network(config.network_mode, has_bridge);
    for (auto& endpoint : config.networks) {
        if (endpoint.network == "default") endpoint.network = mode;
        TRY(check_endpoint(endpoint));
    }
    auto first = std::ranges::find(config.networks, mode, &EndpointConfig::network);
    if (first == config.networks.end()) first = config.networks.insert(config.networks.begin(), {.network = mode});
    if (first->mac.empty()) first->mac = config.mac;
    if (!first->mac.empty()) TRY(net::parse_mac(first->mac));
    std::iter_swap(config.networks.begin(), first);
    std::ranges::sort(config.networks.begin() + 1, config.networks.end(), {}, &EndpointConfig::network);
    const auto twice = std::ranges::adjacent_find(config.networks, {}, &EndpointConfig::network);
    if (twice != config.networks.end()) return fail(Kind::invalid, "network {} is named twice", twice->network);
    if (config.networks.size() > 1 && (mode == "host" || mode == "none"))
        return fail(Kind::invalid, "conflicting options: the {} network and others", mode);
    return {};
}

std::vector<EndpointConfig> wanted_endpoints(const ContainerConfig& config, bool has_bridge) {
    if (shares_namespace(config.network_mode)) return {};
    if (!config.networks.empty()) return config.networks;
    return {{.network = effective_network(config.network_mode, has_bridge), .mac = config.mac}};
}

std::vector<std::string> dns_names(const Container& container, const EndpointConfig& endpoint) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (!name.empty() && !std::ranges::contains(names, name)) names.push_back(name);
    };
    add(container.name);
    for (const auto& alias : endpoint.aliases) add(alias);
    add(container.id.substr(0, 12));
    add(hostname_of(container));
    return names;
}

bool is_used(const NetworkRecord& network, const ContainerList& containers) {
    return std::ranges::any_of(containers, [&](const Container& container) {
        return std::ranges::contains(container.endpoints, network.name, &EndpointState::network) ||
               std::ranges::contains(container.config.networks, network.name, &EndpointConfig::network) ||
               container.config.network_mode == network.name;
    });
}

std::vector<net::PortMapping> wanted_ports(const ContainerConfig& config) {
    auto wanted = config.ports;
    if (!config.publish_all) return wanted;
    for (const auto& exposed : config.exposed_ports) {
        const auto port = net::parse_port(exposed);
        if (!port) continue;
        const auto same = [&](const auto& m) {
            return m.protocol == port->protocol && m.container_port == port->number;
        };
        if (!std::ranges::any_of(wanted, same))
            wanted.push_back({.protocol = port->protocol, .container_port = port->number});
    }
    return wanted;
}

}  // namespace diatom::engine
