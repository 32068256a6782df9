// Networks without a bridge: macvlan and ipvlan interfaces on a card of this host.
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "net/endpoint.h"
#include "net/linux_network.h"
#include "net/namespace.h"
#include "net/sysctl.h"

namespace diatom::net {
namespace {

using ChildKind = ChildSpec::Kind;
// How `ip link` shows that we made an interface, and may remove it.
constexpr const char* kOurs = "diatom network";

bool is_ipvlan(ChildKind kind) {
    return kind == ChildKind::ipvlan_l2 || kind == ChildKind::ipvlan_l3 || kind == ChildKind::ipvlan_l3s;
}

// "eth0.10" as card and VLAN number.
struct VlanName {
    std::string card;
    std::uint16_t id = 0;
};
std::optional<VlanName> vlan_name(const std::string& name) {
    const auto halves = cut_last(name, '.');
    if (!halves) return std::nullopt;
    const auto id = parse_uint(halves->second);
    if (!id || *id == 0 || *id > 4094) return std::nullopt;
    return VlanName{.card = std::string(halves->first), .id = static_cast<std::uint16_t>(*id)};
}

Routing routing_of(const ChildSpec& spec) {
    if (spec.internal) return Routing::none;
    // Layer 3: the parent routes, there is nobody to ask on the link.
    const bool routed = spec.kind == ChildKind::ipvlan_l3 || spec.kind == ChildKind::ipvlan_l3s;
    return routed ? Routing::by_interface : Routing::by_gateway;
}

}  // namespace

Result<void> LinuxNetwork::ensure_parent(const ChildSpec& spec) {
    TRY(check_interface_name(spec.parent));
    auto link = TRY(links_.find(spec.parent));
    if (!link) {
        if (spec.own_parent) {
            TRY(links_.add_dummy(spec.parent));
        } else {
            const auto vlan = vlan_name(spec.parent);
            const auto card = vlan ? TRY(links_.find(vlan->card)) : std::nullopt;
            if (!card)
                return fail(Kind::invalid,
                            "invalid subinterface vlan name or parent {}: no such interface on this host", spec.parent);
            TRY(links_.add_vlan(spec.parent, card->index, vlan->id));
        }
        link = TRY(links_.get(spec.parent));
        TRY(links_.set_alias(link->index, kOurs));
    }
    if (!link->up) TRY(links_.set_up(link->index));
    return {};
}

Result<void> LinuxNetwork::remove_parent(const ChildSpec& spec) {
    const auto link = TRY(links_.find(spec.parent));
    if (!link || link->alias != kOurs) return {};
    return links_.remove(spec.parent);
}

Result<std::string> LinuxNetwork::attach_child(const ChildSpec& spec, const EndpointSpec& endpoint, FdRef netns) {
    TRY(check_interface_name(endpoint.interface));
    const Link parent = TRY(links_.get(spec.parent), "connect container {}", endpoint.container);
    Child child{.name = endpoint.interface, .parent = parent.index, .kind = spec.kind, .mac = {}, .mtu = spec.mtu};
    child.netns = netns;
    if (!is_ipvlan(spec.kind)) {
        child.mac = endpoint.mac.empty()
                        ? derive_mac(endpoint.addresses, veth_alias(endpoint.container, endpoint.interface))
                        : TRY(parse_mac(endpoint.mac));
    }
    TRY(links_.add_child(child), "connect container {} to {}", endpoint.container, spec.parent);
    auto configured = configure_endpoint(spec.pools, routing_of(spec), endpoint, netns);
    if (!configured) {
        std::ignore = detach_child(endpoint.interface, netns);
        TRY(std::move(configured), "connect container {} to {}", endpoint.container, spec.parent);
    }
    return format_mac(child.mac.value_or(parent.mac));
}

Result<void> LinuxNetwork::detach_child(const std::string& interface, FdRef netns) {
    TRY(run_in_namespace(netns,
                         [&]() -> Result<void> {
                             Links links = TRY(Links::open());
                             return links.remove(interface);
                         }),
        "remove {}", interface);
    return {};
}

Result<void> LinuxNetwork::set_default_routes(const std::vector<DefaultRoute>& routes, FdRef netns) {
    TRY(run_in_namespace(netns,
                         [&]() -> Result<void> {
                             Links links = TRY(Links::open());
                             for (const auto& route : routes) {
                                 // The kernel replaces a route only by one of the same scope and metric.
                                 TRY(links.remove_default_route(route.family));
                                 if (route.interface.empty()) continue;
                                 const int index = TRY(links.get(route.interface)).index;
                                 TRY(links.add_default_route(index, route.family, route.gateway));
                             }
                             return {};
                         }),
        "set a container's default routes");
    return {};
}

}  // namespace diatom::net
