// Version 2: netplan's.
#include <algorithm>
#include <array>
#include <map>

#include "base/strings.h"
#include "cloud/interfaces.h"
#include "machine/formats.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kRenderer = "the network is set up by the system itself, whatever renderer is named";
constexpr std::string_view kNoWifi = "the kernel has no wireless devices";
constexpr std::string_view kNoTunnels =
    "tunnels are not among the interfaces that can be made: run them in a container";
constexpr std::array kNetworkKeys{
    Known{"version"},
    Known{"renderer", kRenderer},
    Known{"ethernets"},
    Known{"bonds"},
    Known{"bridges"},
    Known{"vlans"},
    Known{"wifis", kNoWifi},
    Known{"modems", "there are no modems here"},
    Known{"tunnels", kNoTunnels},
    Known{"vrfs", "there are no VRFs here: use routing-policy and tables"},
    Known{"dummy_devices", kNoTunnels},
    Known{"virtual_ethernets", kNoTunnels},
    Known{"nm_devices", kRenderer},
    Known{"openvswitch", "there is no Open vSwitch here: use bridges"},
};

constexpr std::string_view kOverrides = "what DHCP offers is taken whole: write addresses and nameservers of your own";
constexpr std::string_view kOffload = "offloads are left as the driver sets them";
constexpr std::array kDeviceKeys{
    Known{"match"},
    Known{"set_name"},
    Known{"renderer", kRenderer},
    Known{"dhcp4"},
    Known{"dhcp6"},
    Known{"dhcp4_overrides", kOverrides},
    Known{"dhcp6_overrides", kOverrides},
    Known{"dhcp_identifier", "DHCP knows this machine by its hardware address"},
    Known{"ipv6_privacy", "addresses are those of the hardware address"},
    Known{"ipv6_address_generation", "addresses are those of the hardware address"},
    Known{"addresses"},
    Known{"gateway4"},
    Known{"gateway6"},
    Known{"nameservers"},
    Known{"routes"},
    Known{"routing_policy"},
    Known{"mtu"},
    Known{"ipv6_mtu", "IPv6 takes the interface's: set mtu"},
    Known{"macaddress"},
    Known{"accept_ra"},
    Known{"link_local"},
    Known{"optional"},
    Known{"optional_addresses", "the boot waits for all addresses of an interface, or for none (optional)"},
    Known{"critical", "an address is not taken away while the machine runs"},
    Known{"ignore_carrier", "an interface is set up whether it has a carrier or not"},
    Known{"activation_mode", "interfaces are set up when they are there: leave it out instead"},
    Known{"wakeonlan", "waking by the network is left as the firmware set it"},
    Known{"emit_lldp", "nothing is sent by LLDP"},
    Known{"neigh_suppress", kNoTunnels},
    Known{"receive_checksum_offload", kOffload},
    Known{"transmit_checksum_offload", kOffload},
    Known{"tcp_segmentation_offload", kOffload},
    Known{"tcp6_segmentation_offload", kOffload},
    Known{"generic_segmentation_offload", kOffload},
    Known{"generic_receive_offload", kOffload},
    Known{"large_receive_offload", kOffload},
    Known{"auth", "802.1X is not spoken here"},
    Known{"interfaces"},
    Known{"parameters"},
    Known{"id"},
    Known{"link"},
};
constexpr std::array kMatchKeys{Known{"name"}, Known{"macaddress"}, Known{"driver"}};
constexpr std::array kNameKeys{Known{"search"}, Known{"addresses"}};
constexpr std::array kRouteKeys{
    Known{"to"},
    Known{"via"},
    Known{"from"},
    Known{"metric"},
    Known{"table"},
    Known{"on_link"},
    Known{"mtu"},
    Known{"type"},
    Known{"scope", "the scope of a route follows from what it is"},
    Known{"congestion_window", "windows are left to the kernel"},
    Known{"advertised_receive_window", "windows are left to the kernel"},
};
constexpr std::array kRuleKeys{
    Known{"from"},     Known{"to"},   Known{"table"},
    Known{"priority"}, Known{"mark"}, Known{"type_of_service", "rules look at addresses and marks only"},
};
constexpr std::string_view kBridge = "of a bridge, spanning tree and its delay can be set (stp, forward-delay)";
constexpr std::array kBridgeKeys{
    Known{"stp"},
    Known{"forward_delay"},
    Known{"ageing_time", kBridge},
    Known{"priority", kBridge},
    Known{"hello_time", kBridge},
    Known{"max_age", kBridge},
    Known{"path_cost", kBridge},
    Known{"port_priority", kBridge},
};

void read_addresses(const Section& device, Value& entry) {
    auto addresses = placed(Value::list(), device.value());
    device.each("addresses", [&](const Value& item, const machine::Path& path) {
        // With options: {"192.0.2.7/24": {label: x}}.
        if (item.is_map() && item.members().size() == 1) {
            addresses.add(placed(Value::of(item.members().front().first), item));
            if (!item.members().front().second.is_null())
                device.notes().refuse(item, path,
                                      "labels and lifetimes of addresses are not kept: only the address is");
        } else if (item.is_text()) {
            addresses.add(item);
        } else {
            device.notes().wrong(item, path, "an address with the length of its network");
        }
    });
    if (!addresses.items().empty()) entry.set("addresses", std::move(addresses));
}

void read_match(const Section& device, Value& entry) {
    const auto match = device.below("match");
    if (!match) return;
    match->expect(kMatchKeys);
    auto made = placed(Value::map(), match->value());
    match->text_to("name", made, "name");
    match->text_to("driver", made, "driver");
    if (const auto mac = match->text("macaddress"))
        made.set("mac", placed(Value::of(to_lower(*mac)), *match->find("macaddress")));
    entry.set("match", std::move(made));
}

void read_routes(const Section& device, Value& entry) {
    auto routes = placed(Value::list(), device.value());
    device.each("routes", [&](const Value& item, const machine::Path& path) {
        const Section route(item, path, device.notes());
        if (!route.expect(kRouteKeys)) return;
        if (!route.has("to")) return device.notes().bad(item, path, "a destination is missing");
        auto made = placed(Value::map(), item);
        for (const auto* key : {"to", "via", "from"}) route.text_to(key, made, key);
        for (const auto* key : {"metric", "table", "mtu"}) route.number_to(key, made, key);
        route.flag_to("on_link", made, "on_link");
        route.text_to("type", made, "kind");
        routes.add(std::move(made));
    });
    if (!routes.items().empty()) entry.set("routes", std::move(routes));
    auto rules = placed(Value::list(), device.value());
    device.each("routing_policy", [&](const Value& item, const machine::Path& path) {
        const Section rule(item, path, device.notes());
        if (!rule.expect(kRuleKeys)) return;
        auto made = placed(Value::map(), item);
        for (const auto* key : {"from", "to"}) {
            if (const auto text = rule.text(key))
                made.set(key, placed(Value::of(with_prefix(*text, "")), *rule.find(key)));
        }
        for (const auto* key : {"table", "priority", "mark"}) rule.number_to(key, made, key);
        rules.add(std::move(made));
    });
    if (!rules.items().empty()) entry.set("rules", std::move(rules));
}

void read_names(const Section& device, Value& entry) {
    const auto names = device.below("nameservers");
    if (!names) return;
    names->expect(kNameKeys);
    auto dns = placed(Value::map(), names->value());
    names->texts_to("addresses", dns, "servers");
    names->texts_to("search", dns, "search");
    entry.set("dns", std::move(dns));
}

void read_common(const Section& device, Value& entry) {
    device.expect(kDeviceKeys);
    read_match(device, entry);
    // netplan asks for nothing that is not said.
    entry.set("dhcp4", placed(Value::of(false), device.value()));
    device.flag_to("dhcp4", entry, "dhcp4");
    for (const auto* key : {"dhcp6", "accept_ra", "optional"}) device.flag_to(key, entry, key);
    read_addresses(device, entry);
    device.text_to("gateway4", entry, "gateway4");
    device.text_to("gateway6", entry, "gateway6");
    read_routes(device, entry);
    read_names(device, entry);
    device.number_to("mtu", entry, "mtu");
    if (const auto mac = device.text("macaddress"))
        entry.set("mac", placed(Value::of(to_lower(*mac)), *device.find("macaddress")));
    const auto local = device.texts("link_local");
    for (const auto& family : local ? local->items() : std::vector<Value>()) {
        if (family.text() == "ipv4") entry.set("link_local", placed(Value::of(true), family));
    }
}

class Network {
public:
    Network(const Section& network, Draft& draft) : network_(network), draft_(draft) {}

    void read() {
        network_.expect(kNetworkKeys);
        each("ethernets", [&](const Section& device, const std::string& id) { names_[id] = name_of(device, id); });
        each("ethernets", [&](const Section& device, const std::string& id) { put(device, id, {}, Value()); });
        each("bonds", [&](const Section& device, const std::string& id) { put(device, id, "bond", bond_of(device)); });
        each("bridges",
             [&](const Section& device, const std::string& id) { put(device, id, "bridge", bridge_of(device)); });
        each("vlans", [&](const Section& device, const std::string& id) { put(device, id, "vlan", vlan_of(device)); });
    }

private:
    void each(std::string_view kind, const std::function<void(const Section&, const std::string&)>& see) {
        const auto devices = network_.below(kind);
        if (!devices) return;
        for (const auto& [id, value] : devices->value().members()) {
            // "renderer" may stand among the devices.
            if (id == "renderer" || value.is_null()) continue;
            const Section device(value, devices->at(id), draft_.notes);
            if (!value.is_map()) draft_.notes.wrong(value, device.path(), "a mapping");
            else see(device, id);
        }
    }

    // What the machine calls it. An id beside a match is a word of the document's own, which no interface may have.
    std::string name_of(const Section& device, const std::string& id) {
        if (const auto name = device.text("set_name")) return *name;
        if (machine::kInterface.valid(id)) return id;
        const auto* match = device.find("match");
        if (match == nullptr) return id;
        const auto mac = match->text_of("macaddress");
        return mac.empty() ? match->text_of("name", id) : "mac=" + to_lower(mac);
    }

    std::string resolved(const std::string& id) const {
        const auto found = names_.find(id);
        return found == names_.end() ? id : found->second;
    }

    void put(const Section& device, const std::string& id, std::string_view kind, Value made) {
        auto entry = placed(Value::map(), device.value());
        read_common(device, entry);
        if (!kind.empty()) entry.set(kind, std::move(made));
        draft_.part({"network", "interfaces"}, network_.value()).set(resolved(id), std::move(entry));
    }

    void read_members(const Section& device, Value& made) {
        auto members = device.texts("interfaces");
        if (!members) return;
        for (auto& member : members->items()) member = placed(Value::of(resolved(member.text())), member);
        made.set("interfaces", std::move(*members));
    }

    Value bond_of(const Section& device) {
        auto bond = placed(Value::map(), device.value());
        read_members(device, bond);
        bond.set("mode", placed(Value::of("balance-rr"), device.value()));
        const auto parameters = device.below("parameters");
        if (!parameters) return bond;
        read_netplan_bond(*parameters, bond);
        return bond;
    }

    Value bridge_of(const Section& device) {
        auto bridge = placed(Value::map(), device.value());
        read_members(device, bridge);
        bridge.set("stp", placed(Value::of(true), device.value()));  // netplan's default
        const auto parameters = device.below("parameters");
        if (!parameters) return bridge;
        parameters->expect(kBridgeKeys);
        parameters->flag_to("stp", bridge, "stp");
        if (const auto delay = parameters->number("forward_delay"))
            bridge.set("forward_delay",
                       placed(Value::of(std::format("{}s", *delay)), *parameters->find("forward_delay")));
        return bridge;
    }

    Value vlan_of(const Section& device) {
        auto vlan = placed(Value::map(), device.value());
        device.number_to("id", vlan, "id");
        if (const auto link = device.text("link"))
            vlan.set("link", placed(Value::of(resolved(*link)), *device.find("link")));
        check_vlan(device, vlan);
        return vlan;
    }

    const Section& network_;
    Draft& draft_;
    std::map<std::string, std::string> names_;  // of ids
};

}  // namespace

void translate_network_v2(const Section& network, Draft& draft) { Network(network, draft).read(); }

}  // namespace diatom::cloud
