// OpenStack's network_data.json. Source: the JSON Schema in nova 2024.2, "Metadata"
// (doc/api_schemas/network_data.json).
#include <algorithm>
#include <array>
#include <map>

#include "base/strings.h"
#include "cloud/interfaces.h"
#include "cloud/network.h"
#include "document/json_reader.h"

namespace diatom::cloud {
namespace {

constexpr std::array kKeys{Known{"links"}, Known{"networks"}, Known{"services"}};
constexpr std::size_t kLongestName = 15;

// What a link of the machine may be called; ids such as "tap2ecc7709-b3" are Neutron's.
std::string name_of(const std::string& id, std::string_view kind, std::size_t number) {
    const bool plain = !id.empty() && id.size() <= kLongestName && std::ranges::all_of(id, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
    });
    return plain ? id : std::format("{}{}", kind, number);
}

class Network {
public:
    explicit Network(Draft& draft) : draft_(draft) {}

    void read(const Section& document) {
        document.expect(kKeys);
        // A bond or a VLAN may stand before what it is of.
        each(document, "links", [&](const Section& link) { name(link); });
        each(document, "links", [&](const Section& link) { read_link(link); });
        each(document, "networks", [&](const Section& network) { read_network(network); });
        each(document, "services", [&](const Section& service) {
            if (const auto* server = server_of(service))
                draft_.add({"network", "dns"}, "servers", placed(Value::of(server->scalar_text()), *server),
                           service.value());
        });
    }

private:
    void each(const Section& section, std::string_view key, const std::function<void(const Section&)>& see) {
        section.each(key, [&](const Value& item, const machine::Path& path) {
            if (item.is_map()) see(Section(item, path, draft_.notes));
            else draft_.notes.wrong(item, path, "an object");
        });
    }

    static std::string kind_of(const Section& link) {
        const auto type = link.text("type").value_or("phy");
        return type == "bond" || type == "vlan" ? type : "phy";
    }

    // Cards are found by their hardware addresses, for nothing is said of their names.
    void name(const Section& link) {
        const auto id = link.text("id").value_or("");
        const auto kind = kind_of(link);
        const auto mac = to_lower(link.text("ethernet_mac_address").value_or(""));
        const auto number = static_cast<std::size_t>(std::ranges::count(kinds_, kind));
        kinds_.push_back(kind);
        if (kind == "phy" && mac.empty())
            return draft_.notes.bad(link.value(), link.path(), "a hardware address is missing");
        names_[id] = kind == "phy" ? "mac=" + mac : name_of(id, kind, number);
    }

    Value resolved(const Value& id) const {
        const auto found = names_.find(id.scalar_text());
        return placed(Value::of(found == names_.end() ? id.scalar_text() : found->second), id);
    }

    Value* entry_of(const std::string& id, const Value& from) {
        const auto found = names_.find(id);
        return found == names_.end() ? nullptr : &draft_.part({"network", "interfaces", found->second}, from);
    }

    void read_link(const Section& link) {
        const auto id = link.text("id").value_or("");
        auto* entry = entry_of(id, link.value());
        if (entry == nullptr) return;
        // Without a network that says so, nothing is asked for.
        entry->set("dhcp4", placed(Value::of(false), link.value()));
        if (const auto mtu = link.number("mtu"); mtu && *mtu > 0) link.number_to("mtu", *entry, "mtu");
        const auto kind = kind_of(link);
        if (kind == "phy") return;
        const auto* mac_key = kind == "vlan" ? "vlan_mac_address" : "ethernet_mac_address";
        if (const auto mac = link.text(mac_key); mac && !mac->empty())
            entry->set("mac", placed(Value::of(to_lower(*mac)), *link.find(mac_key)));
        if (kind == "bond") entry->set("bond", bond_of(link));
        else entry->set("vlan", vlan_of(link));
    }

    Value bond_of(const Section& link) {
        auto bond = placed(Value::map(), link.value()), options = bond;
        auto members = placed(Value::list(), link.value());
        if (const auto ids = link.texts("bond_links")) {
            for (const auto& id : ids->items()) members.add(resolved(id));
        }
        bond.set("interfaces", std::move(members));
        if (const auto mode = bond_mode(link.text("bond_mode").value_or("active-backup")))
            bond.set("mode", placed(Value::of(*mode), link.value()));
        else link.bad("bond_mode", "is no mode of the kernel's bonding");
        for (const auto& [key, name] :
             {std::pair("bond_miimon", "miimon"), std::pair("bond_xmit_hash_policy", "xmit_hash_policy")}) {
            if (const auto* value = link.find(key)) options.set(name, placed(Value::of(value->scalar_text()), *value));
        }
        if (!options.members().empty()) bond.set("options", std::move(options));
        return bond;
    }

    Value vlan_of(const Section& link) {
        auto vlan = placed(Value::map(), link.value());
        if (const auto* below = link.find("vlan_link")) vlan.set("link", resolved(*below));
        link.number_to("vlan_id", vlan, "id");
        return vlan;
    }

    void read_network(const Section& network) {
        const auto link = network.text("link").value_or("");
        const auto type = network.text("type").value_or("");
        auto* entry = entry_of(link, network.value());
        if (entry == nullptr) return draft_.notes.bad(network.value(), network.at("link"), "no link has this id");
        const auto yes = placed(Value::of(true), network.value());
        if (type == "ipv4_dhcp") entry->set("dhcp4", yes);
        else if (type == "ipv6_dhcp" || type == "ipv6_dhcpv6-stateful") entry->set("dhcp6", yes);
        else if (type == "ipv6_slaac" || type == "ipv6_dhcpv6-stateless") entry->set("accept_ra", yes);
        else if (type == "ipv4" || type == "ipv6") add_address(network, names_[link]);
        else return network.bad("type", "must be ipv4, ipv4_dhcp, ipv6, ipv6_dhcp, ipv6_slaac or ipv6_dhcpv6-…");
        each(network, "routes", [&](const Section& route) { add_route(route, names_[link]); });
        each(network, "services", [&](const Section& service) {
            if (const auto* server = server_of(service))
                draft_.add({"network", "interfaces", names_[link], "dns"}, "servers",
                           placed(Value::of(server->scalar_text()), *server), service.value());
        });
    }

    void add_address(const Section& network, const std::string& key) {
        const auto address = network.text("ip_address");
        if (!address) return draft_.notes.bad(network.value(), network.path(), "an address is missing");
        draft_.add(
            {"network", "interfaces", key}, "addresses",
            placed(Value::of(with_prefix(*address, network.text("netmask").value_or(""))), *network.find("ip_address")),
            network.value());
    }

    void add_route(const Section& route, const std::string& key) {
        const auto to = route.text("network"), mask = route.text("netmask");
        if (!to) return draft_.notes.bad(route.value(), route.path(), "a network is missing");
        auto entry = placed(Value::map(), route.value());
        const auto prefix = with_prefix(*to, mask.value_or(""));
        entry.set("to", placed(Value::of(prefix.ends_with("/0") ? "default" : prefix), *route.find("network")));
        route.text_to("gateway", entry, "via");
        draft_.add({"network", "interfaces", key}, "routes", std::move(entry), route.value());
    }

    static const Value* server_of(const Section& service) {
        return service.text("type").value_or("") == "dns" ? service.find("address") : nullptr;
    }

    Draft& draft_;
    std::map<std::string, std::string> names_;  // keys of the machine's table, by id
    std::vector<std::string> kinds_;
};

}  // namespace

Result<Translation> read_openstack_network(std::string_view text, const std::string& file) {
    const auto document = TRY(read_json(text, file));
    const Options options;
    Draft draft(options);
    if (document.is_map()) Network(draft).read(Section(document, {}, draft.notes));
    else draft.notes.wrong(document, {}, "an object");
    return draft.finish();
}

}  // namespace diatom::cloud
