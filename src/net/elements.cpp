#include "net/elements.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>

#include "net/port.h"
#include "net/ruleset.h"

namespace diatom::net {
namespace {

std::string bytes_of(const Address& address) {
    return {reinterpret_cast<const char*>(address.bytes()), address.size()};
}

std::string name_key(const std::string& interface) {
    std::string key = interface;
    key.resize(IFNAMSIZ);
    return key;
}

// The parts of a concatenation are padded to four bytes.
std::string padded_port(std::uint16_t port) {
    return {static_cast<char>(port >> 8U), static_cast<char>(port & 0xffU), '\0', '\0'};
}

std::string padded_protocol(Protocol protocol) {
    char number = IPPROTO_TCP;
    if (protocol == Protocol::udp) number = IPPROTO_UDP;
    if (protocol == Protocol::sctp) number = static_cast<char>(IPPROTO_SCTP);
    return {number, '\0', '\0', '\0'};
}

// [base, base + 2^bits): the end is left out when it lies past the last address.
void put_interval(std::vector<NftElement>& elements, const Subnet& subnet) {
    const std::string base = bytes_of(subnet.base);
    std::string end = base;
    unsigned prefix = subnet.prefix;
    if (prefix == 0) {
        elements.push_back({.key = base, .value = {}});
        return;
    }
    unsigned carry = 1U << (7 - (prefix - 1) % 8);
    for (std::size_t i = (prefix - 1) / 8 + 1; i-- > 0 && carry != 0;) {
        const unsigned digit = static_cast<std::uint8_t>(end[i]) + carry;
        end[i] = static_cast<char>(digit);
        carry = digit >> 8U;
    }
    elements.push_back({.key = base, .value = {}});
    if (carry == 0) elements.push_back({.key = end, .value = {}, .end = true});
}

// Two host ports may lead to one port of a container, which is opened once.
void put_opened(Elements& elements, const PortMapping& mapping, const Address& target) {
    auto& opened = elements[target.family() == Address::Family::v4 ? kOpened4 : kOpened6];
    const NftElement element{
        .key = bytes_of(target) + padded_protocol(mapping.protocol) + padded_port(mapping.container_port), .value = {}};
    if (!std::ranges::contains(opened, element)) opened.push_back(element);
}

bool every_address(const Address& host) { return host.empty() || host == Address::v4(0) || host == Address::v6({}); }

}  // namespace

Elements elements_of(const BridgeSpec& bridge) {
    Elements elements;
    const std::string name = name_key(bridge.name);
    elements[kBridges] = {{.key = name, .value = {}}};
    if (bridge.internal) elements[kInternal] = {{.key = name, .value = {}}};
    if (bridge.masquerade && !bridge.internal) elements[kMasquerade] = {{.key = name, .value = {}}};
    const auto put_mode = [&](GatewayMode mode, const char* routed, const char* unprotected) {
        if (bridge.internal) return;
        if (mode == GatewayMode::routed) elements[routed] = {{.key = name, .value = {}}};
        if (mode == GatewayMode::nat_unprotected) elements[unprotected] = {{.key = name, .value = {}}};
    };
    put_mode(bridge.mode4, kRouted4, kUnprotected4);
    put_mode(bridge.mode6, kRouted6, kUnprotected6);
    if (!bridge.isolate) elements[kConnected] = {{.key = name + name, .value = {}}};
    for (const auto& pool : bridge.pools) {
        const bool v4 = pool.subnet.base.family() == Address::Family::v4;
        put_interval(elements[v4 ? kSubnets4 : kSubnets6], pool.subnet);
    }
    return elements;
}

Result<Elements> elements_of(const std::vector<PortMapping>& mappings, const std::vector<Address>& targets,
                             const std::vector<Address>& routed) {
    Elements elements;
    for (const auto& mapping : mappings) {
        if (mapping.host.text() == "::1") {
            return fail(
                Kind::unsupported,
                "port {}/{} cannot be published on ::1: Linux routes nothing from there to a container; publish on "
                "127.0.0.1 instead",
                mapping.host_port, protocol_name(mapping.protocol));
        }
        const auto put = [&](Address::Family family, const char* ports, const char* host) {
            if (!mapping.host.empty() && mapping.host.family() != family) return false;
            const auto target = std::ranges::find(targets, family, &Address::family);
            if (target == targets.end()) return false;
            if (std::ranges::contains(routed, *target)) {
                put_opened(elements, mapping, *target);
                return true;
            }
            const bool every = every_address(mapping.host);
            std::string key = (every ? std::string() : bytes_of(mapping.host)) + padded_protocol(mapping.protocol) +
                              padded_port(mapping.host_port);
            elements[every ? ports : host].push_back(
                {.key = std::move(key), .value = bytes_of(*target) + padded_port(mapping.container_port)});
            return true;
        };
        const bool four = put(Address::Family::v4, kPorts4, kHost4);
        const bool six = put(Address::Family::v6, kPorts6, kHost6);
        if (!four && !six) {
            return fail(
                Kind::invalid,
                "port {}/{} cannot be published on {}: the container has no address of that IP version; enable it in "
                "its network, or publish on another address",
                mapping.host_port, protocol_name(mapping.protocol),
                mapping.host.empty() ? "this host" : mapping.host.text());
        }
    }
    return elements;
}

void add_elements(NftBatch& batch, const Elements& elements) {
    for (const auto& [set, list] : elements) batch.add_elements(set.c_str(), list);
}

void delete_elements(NftBatch& batch, const Elements& elements) {
    for (const auto& [set, list] : elements) batch.delete_elements(set.c_str(), list);
}

void merge_into(Elements& all, const Elements& more) {
    for (const auto& [set, list] : more) all[set].insert(all[set].end(), list.begin(), list.end());
}

Elements difference(const Elements& left, const Elements& right) {
    Elements rest;
    for (const auto& [set, list] : left) {
        const auto other = right.find(set);
        for (const auto& element : list) {
            if (other == right.end() || !std::ranges::contains(other->second, element)) rest[set].push_back(element);
        }
    }
    return rest;
}

}  // namespace diatom::net
