#include "api/decode.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

Result<net::Address> address_member(const Json& object, std::string_view key) {
    const auto text = TRY(json_string(object, key));
    if (text.empty()) return net::Address();
    return TRY(net::Address::parse(text), "\"{}\"", key);
}

Result<net::Pool> decode_pool(const Json& document) {
    net::Pool pool;
    const auto subnet = TRY(json_string(document, "Subnet"));
    if (subnet.empty()) return fail(Kind::invalid, "invalid network config: every IPAM configuration needs a subnet");
    pool.subnet = TRY(net::Subnet::parse(subnet), "invalid network config");
    if (const auto range = TRY(json_string(document, "IPRange")); !range.empty())
        pool.range = TRY(net::Subnet::parse(range), "invalid network config: ip-range");
    pool.gateway = TRY(address_member(document, "Gateway"), "invalid network config");
    for (const auto& [name, text] : TRY(json_string_map(document, "AuxiliaryAddresses")))
        pool.reserved[name] = TRY(net::Address::parse(text), "aux-address {}", name);
    return pool;
}

Result<void> decode_ipam(const Json& ipam, engine::NetworkRecord& wanted) {
    if (ipam.is_null()) return {};
    if (!ipam.is_object()) return fail(Kind::invalid, "\"IPAM\" must be an object");
    const auto driver = TRY(json_string(ipam, "Driver"));
    if (!driver.empty() && driver != "default")
        return fail(Kind::unsupported, "IPAM driver \"{}\" is not in this version: it has default", driver);
    wanted.ipam_options = TRY(json_string_map(ipam, "Options"));
    const Json& pools = json_member(ipam, "Config");
    if (pools.is_null()) return {};
    if (!pools.is_array()) return fail(Kind::invalid, "\"IPAM.Config\" must be a list");
    for (const auto& pool : pools) {
        if (!pool.is_object()) return fail(Kind::invalid, "\"IPAM.Config\" must be a list of objects");
        // An empty one means that anything will do.
        if (TRY(json_string(pool, "Subnet")).empty() && TRY(json_string(pool, "Gateway")).empty() &&
            TRY(json_string(pool, "IPRange")).empty())
            continue;
        wanted.pools.push_back(TRY(decode_pool(pool)));
    }
    return {};
}

}  // namespace

Result<engine::NetworkRecord> decode_network(const Json& body) {
    engine::NetworkRecord wanted;
    wanted.name = TRY(json_string(body, "Name"));
    wanted.driver = TRY(json_string(body, "Driver"));
    wanted.internal = TRY(json_bool(body, "Internal"));
    wanted.attachable = TRY(json_bool(body, "Attachable"));
    wanted.ipv4 = TRY(json_bool(body, "EnableIPv4", true));
    wanted.ipv6 = TRY(json_bool(body, "EnableIPv6"));
    wanted.labels = TRY(json_string_map(body, "Labels"));
    wanted.options = TRY(json_string_map(body, "Options"));
    if (TRY(json_bool(body, "Ingress")) || TRY(json_string(body, "Scope")) == "swarm")
        return fail(Kind::unavailable, "This node is not a swarm manager: networks here are of one machine.");
    wanted.config_only = TRY(json_bool(body, "ConfigOnly"));
    wanted.config_from = TRY(json_string(json_member(body, "ConfigFrom"), "Network"));
    TRY(decode_ipam(json_member(body, "IPAM"), wanted));
    return wanted;
}

Result<engine::EndpointConfig> decode_endpoint(const std::string& network, const Json& settings) {
    engine::EndpointConfig config{.network = network};
    if (settings.is_null()) return config;
    if (!settings.is_object()) return fail(Kind::invalid, "the settings of network {} must be an object", network);
    config.aliases = TRY(json_strings(settings, "Aliases"));
    config.links = TRY(json_strings(settings, "Links"));
    config.mac = TRY(json_string(settings, "MacAddress"));
    config.gateway_priority = static_cast<int>(TRY(json_int(settings, "GwPriority")));
    config.options = TRY(json_string_map(settings, "DriverOpts"));
    const Json& ipam = json_member(settings, "IPAMConfig");
    if (ipam.is_null()) return config;
    if (!ipam.is_object()) return fail(Kind::invalid, "\"IPAMConfig\" must be an object");
    config.ip4 = TRY(address_member(ipam, "IPv4Address"));
    config.ip6 = TRY(address_member(ipam, "IPv6Address"));
    for (const auto& text : TRY(json_strings(ipam, "LinkLocalIPs")))
        config.link_local.push_back(TRY(net::Address::parse(text), "link-local address"));
    return config;
}

Result<Connecting> decode_connecting(const std::string& network, const Json& body) {
    Connecting wanted{.container = TRY(json_string(body, "Container")), .endpoint = {}};
    wanted.endpoint = TRY(decode_endpoint(network, json_member(body, "EndpointConfig")));
    return wanted;
}

Result<Disconnecting> decode_disconnecting(const Json& body) {
    Disconnecting wanted{.container = TRY(json_string(body, "Container"))};
    wanted.force = TRY(json_bool(body, "Force"));
    return wanted;
}

Result<void> decode_endpoints(const Json& body, engine::ContainerConfig& config) {
    config.mac = TRY(json_string(body, "MacAddress"));
    const Json& endpoints = json_member(json_member(body, "NetworkingConfig"), "EndpointsConfig");
    if (!endpoints.is_null() && !endpoints.is_object())
        return fail(Kind::invalid, "\"EndpointsConfig\" must be an object");
    for (const auto& [name, settings] : endpoints.items())
        config.networks.push_back(TRY(decode_endpoint(name, settings), "network {}", name));
    // --link is written in both places, or only in the host's half.
    const auto links = TRY(json_strings(json_member(body, "HostConfig"), "Links"));
    if (!links.empty() && config.networks.empty()) config.networks.push_back({.network = config.network_mode});
    for (auto& endpoint : config.networks) {
        if (endpoint.links.empty() && endpoint.network == config.network_mode) endpoint.links = links;
    }
    // Old clients name the network only here.
    if (config.networks.size() == 1 && config.network_mode == "default")
        config.network_mode = config.networks[0].network;
    return {};
}

}  // namespace diatom::api
