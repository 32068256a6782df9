// The fields of networks, of containers' places on them and of published ports; part of codec.cpp. Thread side: any.
#pragma once

#include "engine/archive.h"
#include "engine/model.h"

namespace diatom::engine {

template <>
struct EnumNames<net::Protocol> {
    static constexpr std::array<const char*, 3> kNames = {"tcp", "udp", "sctp"};
};

// Addresses and subnets are kept as text; one that no longer parses reads as absent.
template <class A>
void address_field(A& archive, const char* key, net::Address& address) {
    std::string text = address.empty() ? "" : address.text();
    archive(key, text);
    if constexpr (std::same_as<A, Reader>) address = net::Address::parse(text).value_or(net::Address());
}

template <class A>
void subnet_field(A& archive, const char* key, net::Subnet& subnet) {
    std::string text = subnet.base.empty() ? "" : subnet.text();
    archive(key, text);
    if constexpr (std::same_as<A, Reader>) subnet = net::Subnet::parse(text).value_or(net::Subnet());
}

template <class A>
void fields(A& archive, net::PortMapping& port) {
    archive("protocol", port.protocol);
    address_field(archive, "host", port.host);
    archive("host_port", port.host_port);
    archive("container_port", port.container_port);
    archive("host_port_last", port.host_port_last);
}

template <class A>
void address_list(A& archive, const char* key, std::vector<net::Address>& addresses) {
    std::vector<std::string> texts;
    for (const auto& address : addresses) texts.push_back(address.text());
    archive(key, texts);
    if constexpr (std::same_as<A, Reader>) {
        for (const auto& text : texts) addresses.push_back(net::Address::parse(text).value_or(net::Address()));
    }
}

template <class A>
void fields(A& archive, EndpointConfig& endpoint) {
    archive("network", endpoint.network);
    archive("aliases", endpoint.aliases);
    archive("links", endpoint.links);
    address_field(archive, "ip4", endpoint.ip4);
    address_field(archive, "ip6", endpoint.ip6);
    address_list(archive, "link_local", endpoint.link_local);
    archive("mac", endpoint.mac);
    archive("gateway_priority", endpoint.gateway_priority);
    archive("options", endpoint.options);
}

template <class A>
void fields(A& archive, EndpointState& endpoint) {
    archive("network", endpoint.network);
    archive("network_id", endpoint.network_id);
    archive("endpoint_id", endpoint.endpoint_id);
    archive("mac", endpoint.mac);
    archive("interface", endpoint.interface);
    address_field(archive, "ip4", endpoint.ip4);
    address_field(archive, "ip6", endpoint.ip6);
    address_field(archive, "gateway4", endpoint.gateway4);
    address_field(archive, "gateway6", endpoint.gateway6);
    archive("prefix4", endpoint.prefix4);
    archive("prefix6", endpoint.prefix6);
    archive("aliases", endpoint.aliases);
    archive("names", endpoint.names);
    archive("gateway_priority", endpoint.gateway_priority);
    address_list(archive, "link_local", endpoint.link_local);
    archive("routed4", endpoint.routed4);
    archive("routed6", endpoint.routed6);
    archive("sysctls", endpoint.sysctls);
}

template <class A>
void fields(A& archive, net::Pool& pool) {
    subnet_field(archive, "subnet", pool.subnet);
    address_field(archive, "gateway", pool.gateway);
    subnet_field(archive, "range", pool.range);
    std::map<std::string, std::string> reserved;
    for (const auto& [name, address] : pool.reserved) reserved[name] = address.text();
    archive("reserved", reserved);
    if constexpr (std::same_as<A, Reader>) {
        for (const auto& [name, text] : reserved)
            pool.reserved[name] = net::Address::parse(text).value_or(net::Address());
    }
}

template <class A>
void fields(A& archive, NetworkRecord& network) {
    archive("id", network.id);
    archive("name", network.name);
    archive("driver", network.driver);
    archive("created", network.created);
    archive("pools", network.pools);
    archive("labels", network.labels);
    archive("options", network.options);
    archive("ipam_options", network.ipam_options);
    archive("internal", network.internal);
    archive("ipv4", network.ipv4);
    archive("attachable", network.attachable);
    archive("chosen4", network.chosen4);
    archive("chosen6", network.chosen6);
    archive("ipv6", network.ipv6);
    archive("bridge", network.bridge);
    archive("config_only", network.config_only);
    archive("config_from", network.config_from);
}

}  // namespace diatom::engine
