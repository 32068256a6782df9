// Version 1: a list of things, each with a type.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/interfaces.h"

namespace diatom::cloud {
namespace {

constexpr std::array kNetworkKeys{Known{"version"}, Known{"config"}};
constexpr std::string_view kKept = "what DHCP gave is kept until the configuration says otherwise, in any case";
constexpr std::array kDeviceKeys{
    Known{"type"},
    Known{"name"},
    Known{"mac_address"},
    Known{"mtu"},
    Known{"subnets"},
    Known{"accept_ra"},
    Known{"keep_configuration", kKept},
    Known{"wakeonlan", "waking by the network is left as the firmware set it"},
    Known{"params"},
    Known{"bond_interfaces"},
    Known{"bridge_interfaces"},
    Known{"vlan_link"},
    Known{"vlan_id"},
};
constexpr std::array kSubnetKeys{
    Known{"type"},
    Known{"control"},
    Known{"address"},
    Known{"netmask"},
    Known{"gateway"},
    Known{"dns_nameservers"},
    Known{"dns_search"},
    Known{"routes"},
    Known{"metric"},
    Known{"ipv4"},
    Known{"ipv6"},
    Known{"scope"},
    Known{"broadcast", "the broadcast address is that of the address's network"},
};
constexpr std::array kRouteKeys{Known{"type"},    Known{"network"}, Known{"destination"}, Known{"netmask"},
                                Known{"gateway"}, Known{"metric"},  Known{"prefix"}};
constexpr std::array kNameServerKeys{Known{"type"}, Known{"address"}, Known{"search"}, Known{"interface"}};
constexpr std::string_view kBridge = "of a bridge, spanning tree and its delay can be set (bridge_stp, bridge_fd)";
constexpr std::array kBridgeKeys{
    Known{"bridge_stp"},
    Known{"bridge_fd"},
    Known{"bridge_ports"},
    Known{"bridge_ageing", kBridge},
    Known{"bridge_bridgeprio", kBridge},
    Known{"bridge_hello", kBridge},
    Known{"bridge_hw", kBridge},
    Known{"bridge_maxage", kBridge},
    Known{"bridge_maxwait", kBridge},
    Known{"bridge_pathcost", kBridge},
    Known{"bridge_portprio", kBridge},
    Known{"bridge_waitport", kBridge},
    Known{"bridge_gcint", kBridge},
};

std::optional<Value> read_route(const Section& route) {
    route.expect(kRouteKeys);
    const auto* from = route.find(route.has("destination") ? "destination" : "network");
    const auto to = route.text(route.has("destination") ? "destination" : "network");
    if (!to) {
        route.notes().bad(route.value(), route.path(), "a destination is missing");
        return std::nullopt;
    }
    auto mask = route.text("netmask").value_or("");
    if (const auto* prefix = route.find("prefix"); prefix != nullptr && mask.empty()) mask = prefix->scalar_text();
    auto entry = placed(Value::map(), route.value());
    entry.set("to", placed(Value::of(*to == "default" ? *to : with_prefix(*to, mask)), *from));
    route.text_to("gateway", entry, "via");
    route.number_to("metric", entry, "metric");
    return entry;
}

class Device {
public:
    Device(const Section& device, Draft& draft)
        : device_(device), draft_(draft), entry_(placed(Value::map(), device.value())) {}

    Value read() {
        const auto type = device_.text("type").value_or("");
        read_kind(type);
        device_.number_to("mtu", entry_, "mtu");
        device_.flag_to("accept_ra", entry_, "accept_ra");
        device_.each("subnets", [&](const Value& item, const machine::Path& path) {
            read_subnet(Section(item, path, draft_.notes));
        });
        // Without a subnet that says so, nothing is asked for.
        if (!entry_.has("dhcp4")) entry_.set("dhcp4", placed(Value::of(false), device_.value()));
        return std::move(entry_);
    }

private:
    void read_kind(std::string_view type) {
        if (const auto mac = device_.text("mac_address")) {
            auto lower = placed(Value::of(to_lower(*mac)), *device_.find("mac_address"));
            if (type == "physical") entry_.set("match", placed(Value::map(), lower)).set("mac", std::move(lower));
            else entry_.set("mac", std::move(lower));
        }
        if (type == "bond") return read_bond();
        if (type == "bridge") return read_bridge();
        if (type != "vlan") return;
        auto vlan = placed(Value::map(), device_.value());
        device_.text_to("vlan_link", vlan, "link");
        device_.number_to("vlan_id", vlan, "id");
        check_vlan(device_, vlan);
        entry_.set("vlan", std::move(vlan));
    }

    void read_bond() {
        auto bond = placed(Value::map(), device_.value());
        auto options = placed(Value::map(), device_.value());
        device_.texts_to("bond_interfaces", bond, "interfaces", ", ");
        const auto params = device_.below("params");
        for (const auto& [name, value] : params ? params->value().members() : std::vector<Member>()) {
            auto option = underscored(name);
            if (option.starts_with("bond_")) option.erase(0, 5);
            if (option == "slaves") continue;
            const auto text = option_text(value);
            if (option != "mode") {
                options.set(option, placed(Value::of(text), value));
            } else if (const auto mode = bond_mode(text)) {
                bond.set("mode", placed(Value::of(*mode), value));
            } else {
                draft_.notes.bad(value, params->at(name), "is no mode of the kernel's bonding");
            }
        }
        if (!bond.has("mode")) bond.set("mode", placed(Value::of("balance-rr"), device_.value()));
        if (!options.members().empty()) bond.set("options", std::move(options));
        entry_.set("bond", std::move(bond));
    }

    void read_bridge() {
        auto bridge = placed(Value::map(), device_.value());
        device_.texts_to("bridge_interfaces", bridge, "interfaces", ", ");
        if (const auto params = device_.below("params")) {
            params->expect(kBridgeKeys);
            params->flag_to("bridge_stp", bridge, "stp");
            if (const auto delay = params->number("bridge_fd"))
                bridge.set("forward_delay", placed(Value::of(std::format("{}s", *delay)), *params->find("bridge_fd")));
        }
        entry_.set("bridge", std::move(bridge));
    }

    void read_subnet(const Section& subnet) {
        if (!subnet.expect(kSubnetKeys)) return;
        const auto type = subnet.text("type").value_or("");
        const auto& from = subnet.has("type") ? *subnet.find("type") : subnet.value();
        const auto yes = placed(Value::of(true), from);
        if (type == "dhcp" || type == "dhcp4") entry_.set("dhcp4", yes);
        else if (type == "dhcp6" || type == "ipv6_dhcpv6-stateful") entry_.set("dhcp6", yes);
        else if (type == "ipv6_slaac" || type == "ipv6_dhcpv6-stateless") entry_.set("accept_ra", yes);
        else if (type == "static" || type == "static6") read_address(subnet);
        else if (type != "manual")
            return draft_.notes.bad(from, subnet.at("type"),
                                    "must be dhcp4, dhcp6, static, static6, ipv6_slaac or manual");
        read_names(subnet);
        subnet.each("routes", [&](const Value& item, const machine::Path& path) {
            if (auto route = read_route(Section(item, path, draft_.notes))) add_route(std::move(*route));
        });
        const auto control = subnet.text("control").value_or("auto");
        const auto* said = subnet.find("control");
        if (control != "auto" && control != "manual" && control != "hotplug")
            subnet.bad("control", "must be auto, manual or hotplug");
        if (control == "hotplug") entry_.set("optional", placed(Value::of(true), *said));
        if (control == "manual")
            subnet.refuse("control", "interfaces are set up when they are there: leave it out instead");
    }

    void read_address(const Section& subnet) {
        const auto address = subnet.text("address");
        if (!address) return draft_.notes.bad(subnet.value(), subnet.path(), "an address is missing");
        const auto& from = *subnet.find("address");
        add("addresses", placed(Value::of(with_prefix(*address, subnet.text("netmask").value_or(""))), from));
        const auto gateway = subnet.text("gateway");
        if (!gateway) return;
        const auto& place = *subnet.find("gateway");
        if (!subnet.has("metric")) {
            entry_.set(is_ipv6(*gateway) ? "gateway6" : "gateway4", placed(Value::of(*gateway), place));
            return;
        }
        auto route = placed(Value::map(), place);
        route.set("to", placed(Value::of("default"), place));
        route.set("via", placed(Value::of(*gateway), place));
        subnet.number_to("metric", route, "metric");
        add_route(std::move(route));
    }

    void read_names(const Section& subnet) {
        for (const auto& [key, name] : {std::pair("dns_nameservers", "servers"), std::pair("dns_search", "search")}) {
            auto texts = subnet.texts(key, ", ");
            if (!texts) continue;
            auto* dns = entry_.find("dns");
            if (dns == nullptr) dns = &entry_.set("dns", placed(Value::map(), *subnet.find(key)));
            auto* list = dns->find(name);
            if (list == nullptr) list = &dns->set(name, placed(Value::list(), *subnet.find(key)));
            for (auto& text : texts->items()) list->add(std::move(text));
        }
    }

    void add_route(Value route) { add("routes", std::move(route)); }
    void add(std::string_view key, Value item) {
        auto* list = entry_.find(key);
        if (list == nullptr) list = &entry_.set(key, placed(Value::list(), item));
        list->add(std::move(item));
    }

    const Section& device_;
    Draft& draft_;
    Value entry_;
};

void read_device(const Section& device, Draft& draft) {
    device.expect(kDeviceKeys);
    const auto name = device.text("name");
    if (!name) return draft.notes.bad(device.value(), device.path(), "a name is missing");
    auto entry = Device(device, draft).read();
    draft.part({"network", "interfaces"}, device.value()).set(*name, std::move(entry));
}

void read_name_server(const Section& server, Draft& draft) {
    server.expect(kNameServerKeys);
    const auto interface = server.text("interface");
    for (const auto& [key, name] : {std::pair("address", "servers"), std::pair("search", "search")}) {
        auto texts = server.texts(key, ", ");
        for (auto& text : texts ? texts->items() : std::vector<Value>()) {
            if (interface) draft.add({"network", "interfaces", *interface, "dns"}, name, text, server.value());
            else draft.add({"network", "dns"}, name, text, server.value());
        }
    }
}

// A route of no interface goes to the one whose network its gateway is in.
void place_route(const Section& section, Draft& draft) {
    auto route = read_route(section);
    if (!route) return;
    const auto gateway = route->text_of("via");
    for (const auto& [name, entry] : draft.document.at("network").at("interfaces").members()) {
        for (const auto& address : entry.texts_of("addresses")) {
            if (!is_inside(gateway, address)) continue;
            const auto interface = name;
            return draft.add({"network", "interfaces", interface}, "routes", std::move(*route), section.value());
        }
    }
    draft.notes.bad(section.value(), section.path(),
                    "no interface above has an address in its gateway's network: write the route into that interface");
}

}  // namespace

void translate_network_v1(const Section& network, Draft& draft) {
    network.expect(kNetworkKeys);
    if (!network.has("config")) network.notes().bad(network.value(), network.path(), "the key config is missing");
    std::vector<Section> routes;
    network.each("config", [&](const Value& item, const machine::Path& path) {
        const Section one(item, path, draft.notes);
        if (!item.is_map()) return draft.notes.wrong(item, path, "a mapping");
        const auto type = one.text("type").value_or("");
        if (type == "physical" || type == "bond" || type == "bridge" || type == "vlan") read_device(one, draft);
        else if (type == "nameserver") read_name_server(one, draft);
        else if (type == "route") routes.push_back(one);
        else if (type == "infiniband") one.refuse("type", "there is no InfiniBand here");
        else if (type != "loopback")
            draft.notes.bad(one.has("type") ? item.at("type") : item, path / "type",
                            "must be physical, bond, bridge, vlan, nameserver or route");
    });
    for (const auto& route : routes) place_route(route, draft);
}

}  // namespace diatom::cloud
