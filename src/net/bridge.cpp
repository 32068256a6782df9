// The links of LinuxNetwork: bridges and the veth pairs on them.
#include <algorithm>

#include "net/endpoint.h"
#include "net/linux_network.h"
#include "net/sysctl.h"

namespace diatom::net {
namespace {

bool has_family(const BridgeSpec& bridge, Address::Family family) {
    return std::ranges::any_of(bridge.pools, [&](const Pool& pool) { return pool.subnet.base.family() == family; });
}

std::vector<Address> gateways(const BridgeSpec& bridge) {
    std::vector<Address> all;
    for (const auto& pool : bridge.pools) {
        if (!pool.gateway.empty()) all.push_back(pool.gateway);
    }
    return all;
}

}  // namespace

Result<void> LinuxNetwork::ensure_bridge(const BridgeSpec& bridge) {
    TRY(check_interface_name(bridge.name));
    TRY(ensure_link(bridge), "set up network bridge {}", bridge.name);
    const auto known = bridges_.find(bridge.name);
    const Elements fresh = elements_of(bridge);
    const Elements old = known == bridges_.end() ? Elements() : elements_of(known->second);
    bridges_[bridge.name] = bridge;
    TRY(exchange(difference(old, fresh), difference(fresh, old)), "set up network bridge {}", bridge.name);
    return {};
}

Result<void> LinuxNetwork::ensure_link(const BridgeSpec& bridge) {
    const Ipv6 six = has_family(bridge, Address::Family::v6) ? Ipv6::on : Ipv6::off;
    auto link = TRY(links_.find(bridge.name));
    if (!link) {
        // An address of its own: otherwise a bridge takes the lowest one of its ports and changes it as they come and
        // go.
        TRY(links_.add_bridge(bridge.name, derive_mac(gateways(bridge), bridge.name), bridge.mtu));
        loopback_.erase(bridge.name);
        link = TRY(links_.get(bridge.name));
        TRY(links_.set_alias(link->index, our_alias()));
    }
    if (link->kind != "bridge") {
        return fail(Kind::conflict,
                    "an interface of that name exists and is no bridge: rename it, or choose another name");
    }
    if (link->mtu != bridge.mtu) TRY(links_.set_mtu(link->index, bridge.mtu));
    TRY(set_interface_ipv6(bridge.name, six));
    TRY(ensure_addresses(bridge, *link));
    if (!link->up) TRY(links_.set_up(link->index));
    if (!bridge.internal) TRY(enable_forwarding(six));
    return {};
}

// Addresses that somebody else gave the bridge stay.
Result<void> LinuxNetwork::ensure_addresses(const BridgeSpec& bridge, const Link& link) {
    const auto existing = TRY(links_.addresses());
    for (const auto& pool : bridge.pools) {
        if (pool.gateway.empty()) continue;
        const bool there = std::ranges::any_of(existing, [&](const InterfaceAddress& entry) {
            return entry.index == link.index && entry.address == pool.gateway && entry.prefix == pool.subnet.prefix;
        });
        if (!there) TRY(links_.add_address(link.index, pool.gateway, pool.subnet.prefix));
    }
    return {};
}

Result<void> LinuxNetwork::remove_bridge(const std::string& name) {
    TRY(check_interface_name(name));
    const auto link = TRY(links_.find(name));
    if (link && link->kind != "bridge") {
        return fail(Kind::conflict, "interface {} is no bridge and is left alone", name);
    }
    TRY(links_.remove(name));
    loopback_.erase(name);
    const auto known = bridges_.find(name);
    if (known == bridges_.end()) return {};
    const Elements old = elements_of(known->second);
    bridges_.erase(known);
    TRY(exchange(old, {}), "remove network bridge {}", name);
    return {};
}

Result<Link> LinuxNetwork::make_veth(const BridgeSpec& bridge, const EndpointSpec& endpoint, const Mac& mac,
                                     FdRef netns) {
    const Link parent = TRY(links_.get(bridge.name));
    const std::string alias = veth_alias(endpoint.container, endpoint.interface);
    // What a start that was cut off left behind.
    TRY(detach(endpoint.container, endpoint.interface));
    for (unsigned attempt = 0; attempt < kVethNames; ++attempt) {
        const std::string name = veth_name(alias, attempt);
        if (TRY(links_.find(name))) continue;
        TRY(links_.add_veth({.host_name = name,
                             .bridge_index = parent.index,
                             .name = endpoint.interface,
                             .mac = mac,
                             .mtu = bridge.mtu,
                             .netns = netns}));
        return links_.get(name);
    }
    return fail(Kind::exhausted, "no free interface name for container {}: {} are taken by others", endpoint.container,
                kVethNames);
}

Result<std::string> LinuxNetwork::attach(const BridgeSpec& bridge, const EndpointSpec& endpoint, FdRef netns) {
    TRY(check_interface_name(endpoint.interface));
    const Mac mac = endpoint.mac.empty()
                        ? derive_mac(endpoint.addresses, veth_alias(endpoint.container, endpoint.interface))
                        : TRY(parse_mac(endpoint.mac));
    const Link link =
        TRY(make_veth(bridge, endpoint, mac, netns), "connect container {} to {}", endpoint.container, bridge.name);
    const auto finish = [&]() -> Result<void> {
        TRY(links_.set_alias(link.index, veth_alias(endpoint.container, endpoint.interface)));
        TRY(links_.set_port(link.index, bridge.isolate ? Isolation::isolated : Isolation::none));
        TRY(set_interface_ipv6(link.name, Ipv6::off));  // a bridge port needs no address of its own
        TRY(configure_endpoint(bridge.pools, bridge.internal ? Routing::none : Routing::by_gateway, endpoint, netns));
        TRY(links_.settle(link.name));
        return links_.settle(bridge.name);
    };
    auto result = finish();
    if (!result) {
        // The first error tells more than one of cleaning up.
        std::ignore = links_.remove(link.name);
        TRY(std::move(result), "connect container {} to {}", endpoint.container, bridge.name);
    }
    return format_mac(mac);
}

Result<void> LinuxNetwork::detach(const std::string& container, const std::string& interface) {
    const std::string alias = veth_alias(container, interface);
    for (unsigned attempt = 0; attempt < kVethNames; ++attempt) {
        const auto link = TRY(links_.find(veth_name(alias, attempt)));
        if (!link) continue;
        // Without an alias: made, then cut off before it was named.
        if (link->alias == alias || link->alias.empty()) TRY(links_.remove(link->name));
    }
    return {};
}

}  // namespace diatom::net
