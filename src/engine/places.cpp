// Networks: the places of containers on them.
#include <fcntl.h>

#include <algorithm>

#include "engine/endpoint_options.h"
#include "engine/names.h"
#include "engine/network_plan.h"
#include "engine/networks.h"
#include "engine/port_range.h"
#include "net/endpoint.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

using net::Address;

std::string free_interface(const Container& container, const std::string& prefix) {
    for (unsigned number = 0;; ++number) {
        auto name = std::format("{}{}", prefix, number);
        if (!std::ranges::contains(container.endpoints, name, &EndpointState::interface)) return name;
    }
}

Result<std::string> choose_interface(const Container& container, const EndpointConfig& wanted,
                                     const std::string& prefix) {
    const auto given = wanted.options.find(kInterfaceOption);
    if (given == wanted.options.end() || given->second.empty()) return free_interface(container, prefix);
    TRY(net::check_interface_name(given->second), "option {}", kInterfaceOption);
    if (given->second == "lo" || std::ranges::contains(container.endpoints, given->second, &EndpointState::interface))
        return fail(Kind::invalid, "option {}: the container has an interface {} already", kInterfaceOption,
                    given->second);
    return given->second;
}

std::string option(const NetworkRecord& record, const std::string& key, const std::string& otherwise) {
    const auto found = record.options.find(key);
    return found == record.options.end() || found->second.empty() ? otherwise : found->second;
}

Result<Address> take_one(std::vector<net::AddressPool>& pools, Address::Family family, const Address& wanted) {
    Result<Address> last = fail(Kind::invalid, "no subnet of network has address {}", wanted.text());
    for (auto& pool : pools) {
        const auto& subnet = pool.pool().subnet;
        if (subnet.base.family() != family) continue;
        if (!wanted.empty()) {
            if (!subnet.contains(wanted)) continue;
            TRY(pool.take(wanted));
            return wanted;
        }
        last = pool.take();
        if (last) break;
    }
    return last;
}

bool has_family(const std::vector<net::AddressPool>& pools, Address::Family family) {
    return std::ranges::any_of(pools, [&](const auto& pool) { return pool.pool().subnet.base.family() == family; });
}

const net::Pool* pool_of(const std::vector<net::AddressPool>& pools, const Address& address) {
    const auto found =
        std::ranges::find_if(pools, [&](const auto& pool) { return pool.pool().subnet.contains(address); });
    return found == pools.end() ? nullptr : &found->pool();
}

// An address of this host where none takes part was meant to keep others out.
Result<void> check_routed(const Container& container, const net::PortMapping& wanted) {
    if (wanted.host.empty()) return {};
    const bool four = wanted.host.family() == Address::Family::v4;
    const bool routed =
        std::ranges::any_of(container.endpoints, four ? &EndpointState::routed4 : &EndpointState::routed6);
    if (!routed || wanted.host == Address::v4(0) || wanted.host == Address::v6({})) return {};
    return fail(Kind::invalid,
                "port {} cannot be published on {}: containers of a routed network are reached at their own addresses: "
                "leave the address out",
                wanted.container_port, wanted.host.text());
}

}  // namespace

Result<void> Networks::take_addresses(Segment& segment, const EndpointConfig& wanted, Place& place,
                                      EndpointState& endpoint) {
    const auto& record = segment.record;
    if ((!wanted.ip4.empty() && !record.chosen4) || (!wanted.ip6.empty() && !record.chosen6)) {
        return fail(Kind::invalid,
                    "user specified IP address is supported only when connecting to networks with user configured "
                    "subnets");
    }
    for (const auto family : {Address::Family::v4, Address::Family::v6}) {
        if (!has_family(segment.pools, family)) continue;
        const bool four = family == Address::Family::v4;
        const auto address =
            TRY(take_one(segment.pools, family, four ? wanted.ip4 : wanted.ip6), "network {}", record.name);
        place.addresses.push_back(address);
        const auto* pool = pool_of(segment.pools, address);
        (four ? endpoint.ip4 : endpoint.ip6) = address;
        (four ? endpoint.prefix4 : endpoint.prefix6) = pool->subnet.prefix;
        if (!record.internal) (four ? endpoint.gateway4 : endpoint.gateway6) = pool->gateway;
    }
    if (record.driver != "bridge") return {};
    const auto spec = bridge_spec(record);
    endpoint.routed4 = spec.mode4 == net::GatewayMode::routed;
    endpoint.routed6 = spec.mode6 == net::GatewayMode::routed;
    return {};
}

Result<void> Networks::add_place(Container& container, const EndpointConfig& wanted, Lease& lease) {
    const auto* record = TRY(find(wanted.network));
    if (std::ranges::contains(container.endpoints, record->name, &EndpointState::network))
        return fail(Kind::denied, "endpoint with name {} already exists in network {}", container.name, record->name);
    if (record->config_only)
        return fail(Kind::denied, "network {} is a configuration network (--config-only): containers cannot be on it",
                    record->name);
    EndpointState endpoint{.network = record->name, .network_id = record->id, .endpoint_id = random_id()};
    endpoint.mac = wanted.mac;
    endpoint.aliases = wanted.aliases;
    endpoint.link_local = wanted.link_local;
    endpoint.gateway_priority = wanted.gateway_priority;
    if (is_user_defined(record->name)) endpoint.names = dns_names(container, wanted);
    if (record->driver != "host" && record->driver != "null") {
        const auto segment = segments_.find(record->name);
        if (segment == segments_.end()) {
            return fail(Kind::unavailable, "network {} could not be set up when the engine started: see its log",
                        record->name);
        }
        endpoint.interface =
            TRY(choose_interface(container, wanted, option(*record, kPrefixOption, "eth")), "network {}", record->name);
        endpoint.sysctls = TRY(endpoint_sysctls(wanted, endpoint.interface), "network {}", record->name);
        lease.places.push_back({.network = record->name, .interface = endpoint.interface, .addresses = {}});
        TRY(take_addresses(segment->second, wanted, lease.places.back(), endpoint));
    }
    container.endpoints.push_back(std::move(endpoint));
    return {};
}

Result<void> Networks::attach(Container& container, Place& place, const Gateways& gateways, FdRef netns) {
    const auto& segment = segments_.at(place.network);
    const auto endpoint = std::ranges::find(container.endpoints, place.network, &EndpointState::network);
    const net::EndpointSpec spec{.container = container.id,
                                 .interface = place.interface,
                                 .mac = endpoint->mac,
                                 .addresses = place.addresses,
                                 .link_local = endpoint->link_local,
                                 .default_route4 = gateways.four == &*endpoint,
                                 .default_route6 = gateways.six == &*endpoint,
                                 .sysctls = endpoint->sysctls};
    place.attached = true;  // from here on there may be something to detach
    auto mac = is_child_driver(segment.record.driver) ? network_->attach_child(child_spec(segment.record), spec, netns)
                                                      : network_->attach(bridge_spec(segment.record), spec, netns);
    endpoint->mac = TRY(std::move(mac), "connect to network {}", place.network);
    return {};
}

Result<void> Networks::mend(const Container& container, Lease& lease) {
    Container again = container;
    const auto gateways = gateways_of(again);
    for (auto& place : lease.places) {
        if (is_child(place) || TRY(network_->is_attached({container.id, place.interface}))) continue;
        const auto path = std::format("/proc/{}/ns/net", container.state.process.pid);
        const Fd netns = TRY(sys::open_path(path, O_RDONLY), "network namespace");
        TRY(attach(again, place, gateways, netns));
    }
    return {};
}

Result<void> Networks::detach(const std::string& container, const Place& place, FdRef netns) {
    if (!place.attached) return {};
    const auto& segment = segments_.at(place.network);
    if (is_child_driver(segment.record.driver)) return network_->detach_child(place.interface, netns);
    return network_->detach(container, place.interface);
}

void Networks::give_back(const Place& place) {
    const auto segment = segments_.find(place.network);
    if (segment == segments_.end()) return;
    for (const auto& address : place.addresses) {
        for (auto& pool : segment->second.pools) pool.release(address);
    }
}

bool Networks::is_child(const Place& place) const {
    const auto segment = segments_.find(place.network);
    return segment != segments_.end() && is_child_driver(segment->second.record.driver);
}

Result<void> Networks::keep_namespace(Lease& lease, const std::string& path) const {
    const bool wanted = std::ranges::any_of(lease.places, [&](const Place& place) { return is_child(place); });
    if (wanted && !lease.netns) lease.netns = TRY(sys::open_path(path, O_RDONLY), "keep a network namespace");
    return {};
}

Networks::Gateways Networks::gateways_of(const Container& container) const {
    Gateways gateways;
    const auto before = [](const EndpointState& one, const EndpointState* other) {
        if (other == nullptr || one.gateway_priority != other->gateway_priority)
            return other == nullptr || one.gateway_priority > other->gateway_priority;
        return one.network < other->network;
    };
    for (const auto& endpoint : container.endpoints) {
        const auto segment = segments_.find(endpoint.network);
        if (segment == segments_.end() || segment->second.record.internal) continue;
        if (!endpoint.ip4.empty() && before(endpoint, gateways.four)) gateways.four = &endpoint;
        if (!endpoint.ip6.empty() && before(endpoint, gateways.six)) gateways.six = &endpoint;
    }
    return gateways;
}

Networks::Routes Networks::routes_of(const Gateways& gateways) const {
    Routes routes;
    for (const auto family : {Address::Family::v4, Address::Family::v6}) {
        const bool four = family == Address::Family::v4;
        const auto* endpoint = four ? gateways.four : gateways.six;
        net::DefaultRoute route{.family = family, .interface = {}, .gateway = {}};
        if (endpoint != nullptr) {
            const auto& record = segments_.at(endpoint->network).record;
            const bool routed = record.driver == "ipvlan" && option(record, "ipvlan_mode", "l2") != "l2";
            if (!routed) route.gateway = four ? endpoint->gateway4 : endpoint->gateway6;
            if (routed || !route.gateway.empty()) route.interface = endpoint->interface;
        }
        routes.push_back(std::move(route));
    }
    return routes;
}

std::vector<Address> Networks::targets_of(const Gateways& gateways) const {
    std::vector<Address> targets;
    const auto on_bridge = [&](const EndpointState* endpoint) {
        return endpoint != nullptr && segments_.at(endpoint->network).record.driver == "bridge";
    };
    if (on_bridge(gateways.four)) targets.push_back(gateways.four->ip4);
    if (on_bridge(gateways.six)) targets.push_back(gateways.six->ip6);
    return targets;
}

Result<void> Networks::reserve_ports(Container& container, Lease& lease) {
    const auto gateways = gateways_of(container);
    container.published.clear();
    if (targets_of(gateways).empty()) {  // no way in: internal networks, macvlan, ipvlan
        lease.ports.clear();
        return {};
    }
    if (lease.ports.empty()) {
        Address binding;
        // On routed networks no port of this host takes part.
        const bool four = gateways.four != nullptr && !gateways.four->routed4;
        const bool six = gateways.six != nullptr && !gateways.six->routed6;
        if (four) {
            const auto text = option(segments_.at(gateways.four->network).record, kHostBindingOption, "0.0.0.0");
            if (text != "0.0.0.0") binding = TRY(Address::parse(text));
        }
        for (auto wanted : wanted_ports(container.config)) {
            TRY(check_routed(container, wanted));
            if (wanted.host.empty()) wanted.host = binding;
            if (!four && !six) {
                lease.ports.push_back(
                    {.mapping = {.protocol = wanted.protocol, .container_port = wanted.container_port}});
                continue;
            }
            lease.ports.push_back(TRY(reserve_port(*network_, wanted),
                                      "driver failed programming external connectivity on endpoint {}",
                                      container.name));
        }
    }
    for (const auto& port : lease.ports) container.published.push_back(port.mapping);
    return {};
}

Result<void> Networks::publish(const Container& container, Lease& lease) {
    if (container.published.empty()) {
        if (lease.published) TRY(network_->unpublish(container.id));
        lease.published = false;
        return {};
    }
    lease.published = true;
    TRY(network_->publish(container.id, container.published, targets_of(gateways_of(container))), "publish ports");
    return {};
}

Result<void> Networks::follow(Container& container, Lease& lease, const Routes& before, FdRef netns) {
    const auto routes = routes_of(gateways_of(container));
    if (routes != before) TRY(network_->set_default_routes(routes, netns));
    TRY(reserve_ports(container, lease));
    return publish(container, lease);
}

}  // namespace diatom::engine
