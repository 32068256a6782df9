// rancher.network. Source: RancherOS 1.5, netconf/types.go, and "Configuring Network Interfaces".
#include <array>

#include "base/strings.h"
#include "cloud/interfaces.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kNoWireless = "the kernel has no wireless devices and no modems";
constexpr std::array kNetworkKeys{
    Known{"pre_cmds"},
    Known{"post_cmds"},
    Known{"dhcp_timeout"},
    Known{"dns"},
    Known{"http_proxy"},
    Known{"https_proxy"},
    Known{"no_proxy"},
    Known{"interfaces"},
    Known{"wifi_networks", kNoWireless},
    Known{"modem_networks", kNoWireless},
};
constexpr std::array kDnsKeys{Known{"nameservers"}, Known{"search"}};
constexpr std::array kInterfaceKeys{
    Known{"match"},
    Known{"dhcp"},
    Known{"dhcp_args", "DHCP is asked by the system itself, not by a program with arguments"},
    Known{"address"},
    Known{"addresses"},
    Known{"ipv4ll"},
    Known{"gateway"},
    Known{"gateway_ipv6"},
    Known{"mtu"},
    Known{"bridge"},
    Known{"bond"},
    Known{"bond_opts"},
    Known{"pre_up"},
    Known{"post_up"},
    Known{"vlans"},
    Known{"wifi_network", kNoWireless},
};

// The interface's key in the machine's table: its name, a glob, or "mac=…", as RancherOS matches them.
std::string key_of(const Section& interface, const std::string& name) {
    auto match = interface.text("match").value_or(name);
    return match.starts_with("mac=") ? to_lower(match) : match;
}

Value& entry_of(const std::string& key, const Value& from, Draft& draft) {
    return draft.part({"network", "interfaces", key}, from);
}

void read_addresses(const Section& interface, const std::string& key, Draft& draft) {
    for (const auto* name : {"address", "addresses"}) {
        const auto texts = interface.texts(name, ", ");
        for (const auto& text : texts ? texts->items() : std::vector<Value>()) {
            auto address = placed(Value::of(with_prefix(text.text(), "")), text);
            draft.add({"network", "interfaces", key}, "addresses", std::move(address), interface.value());
        }
    }
}

// "bridge: true" makes one of the interface; any other text names the bridge that it is a port of.
void read_bridge(const Section& interface, const std::string& key, Draft& draft) {
    const auto* bridge = interface.find("bridge");
    if (bridge == nullptr) return;
    const auto itself = truth(*bridge);
    if (!itself) {
        const auto name = interface.text("bridge");
        if (name && !name->empty())
            draft.add({"network", "interfaces", *name, "bridge"}, "interfaces", placed(Value::of(key), *bridge),
                      *bridge);
    } else if (*itself) {
        draft.part({"network", "interfaces", key, "bridge"}, *bridge);
    }
}

void read_bond(const Section& interface, const std::string& key, Draft& draft) {
    if (const auto bond = interface.text("bond"); bond && !bond->empty()) {
        const auto& from = *interface.find("bond");
        draft.add({"network", "interfaces", *bond, "bond"}, "interfaces", placed(Value::of(key), from), from);
    }
    const auto options = interface.below("bond_opts");
    if (!options) return;
    for (const auto& [name, value] : options->value().members()) {
        const auto text = value.scalar_text();
        if (name != "mode") {
            draft.part({"network", "interfaces", key, "bond", "options"}, options->value())
                .set(name, placed(Value::of(text), value));
        } else if (const auto mode = bond_mode(text)) {
            draft.part({"network", "interfaces", key, "bond"}, options->value())
                .set("mode", placed(Value::of(*mode), value));
        } else {
            options->bad("mode", "is no mode of the kernel's bonding");
        }
    }
}

// "100,200:name": numbers, each with a name or as INTERFACE.NUMBER.
void read_vlans(const Section& interface, const std::string& key, Draft& draft) {
    const auto vlans = interface.texts("vlans", ", ");
    for (const auto& vlan : vlans ? vlans->items() : std::vector<Value>()) {
        const auto halves = cut(vlan.text(), ':');
        const auto number = parse_int(halves ? halves->first : std::string_view(vlan.text()));
        if (!number) {
            draft.notes.bad(vlan, interface.at("vlans"), "must be numbers, each with a name: 100,200:name");
            continue;
        }
        const auto name = halves ? std::string(halves->second) : std::format("{}.{}", key, *number);
        auto& made = draft.part({"network", "interfaces", name, "vlan"}, vlan);
        made.set("link", placed(Value::of(key), vlan));
        made.set("id", placed(Value::of(*number), vlan));
    }
}

void read_interface(const Section& interface, const std::string& name, Draft& draft) {
    if (!interface.expect(kInterfaceKeys)) return;
    const auto key = key_of(interface, name);
    auto& entry = entry_of(key, interface.value(), draft);
    interface.flag_to("dhcp", entry, "dhcp4");
    interface.flag_to("ipv4ll", entry, "link_local");
    interface.text_to("gateway", entry, "gateway4");
    interface.text_to("gateway_ipv6", entry, "gateway6");
    interface.number_to("mtu", entry, "mtu");
    read_addresses(interface, key, draft);
    read_bridge(interface, key, draft);
    read_bond(interface, key, draft);
    read_vlans(interface, key, draft);
    // What is to be done before an interface is up is done before all are.
    add_commands(interface, "pre_up", draft, {"network"}, "pre_commands");
    add_commands(interface, "post_up", draft, {"network", "interfaces", key}, "up");
}

void read_proxies(const Section& network, Draft& draft) {
    for (const auto& [key, name] : {std::pair("http_proxy", "http"), std::pair("https_proxy", "https")}) {
        if (network.has(key)) network.text_to(key, draft.part({"proxies"}, *network.find(key)), name);
    }
    if (network.has("no_proxy"))
        network.texts_to("no_proxy", draft.part({"proxies"}, *network.find("no_proxy")), "none", ", ");
}

}  // namespace

void translate_rancher_network(const Section& network, Draft& draft) {
    network.expect(kNetworkKeys);
    if (const auto dns = network.below("dns")) {
        dns->expect(kDnsKeys);
        auto& entry = draft.part({"network", "dns"}, dns->value());
        dns->texts_to("nameservers", entry, "servers", ", ");
        dns->texts_to("search", entry, "search", ", ");
    }
    if (const auto seconds = network.number("dhcp_timeout"))
        draft.part({"network"}, network.value())
            .set("dhcp_timeout", placed(Value::of(std::format("{}s", *seconds)), *network.find("dhcp_timeout")));
    add_commands(network, "pre_cmds", draft, {"network"}, "pre_commands");
    add_commands(network, "post_cmds", draft, {"network"}, "post_commands");
    const auto interfaces = network.below("interfaces");
    for (const auto& [name, value] : interfaces ? interfaces->value().members() : std::vector<Member>())
        read_interface(Section(value, interfaces->at(name), draft.notes), name, draft);
    read_proxies(network, draft);
}

}  // namespace diatom::cloud
