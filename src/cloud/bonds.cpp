// Parameters of bonds as netplan names them.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/interfaces.h"

namespace diatom::cloud {
namespace {

struct BondOption {
    std::string_view netplan, kernel;
};
constexpr std::array kBondOptions{
    BondOption{"lacp_rate", "lacp_rate"},
    BondOption{"mii_monitor_interval", "miimon"},
    BondOption{"min_links", "min_links"},
    BondOption{"transmit_hash_policy", "xmit_hash_policy"},
    BondOption{"ad_select", "ad_select"},
    BondOption{"all_slaves_active", "all_slaves_active"},
    BondOption{"all_members_active", "all_slaves_active"},
    BondOption{"arp_interval", "arp_interval"},
    BondOption{"arp_ip_targets", "arp_ip_target"},
    BondOption{"arp_validate", "arp_validate"},
    BondOption{"arp_all_targets", "arp_all_targets"},
    BondOption{"up_delay", "updelay"},
    BondOption{"down_delay", "downdelay"},
    BondOption{"fail_over_mac_policy", "fail_over_mac"},
    BondOption{"gratuitous_arp", "num_grat_arp"},
    BondOption{"packets_per_slave", "packets_per_slave"},
    BondOption{"packets_per_member", "packets_per_slave"},
    BondOption{"primary_reselect_policy", "primary_reselect"},
    BondOption{"resend_igmp", "resend_igmp"},
    BondOption{"learn_packet_interval", "lp_interval"},
    BondOption{"primary", "primary"},
};

void warn_unknown(const std::string& name, const Value& value, const Section& parameters) {
    std::vector<std::string_view> names{"mode"};
    for (const auto& option : kBondOptions) names.push_back(option.netplan);
    const auto near = nearest(underscored(name), names);
    parameters.notes().add(Warning::Kind::unknown_key, value, parameters.at(name),
                           near ? std::format("unknown key: did you mean \"{}\"?", *near) : std::string("unknown key"));
}

}  // namespace

std::optional<std::string> bond_mode(std::string_view mode) {
    static constexpr std::array<std::string_view, 7> kModes{"balance-rr", "active-backup", "balance-xor", "broadcast",
                                                            "802.3ad",    "balance-tlb",   "balance-alb"};
    const auto number = parse_uint(mode);
    if (number && *number < kModes.size()) return std::string(kModes[*number]);
    if (!std::ranges::contains(kModes, mode)) return std::nullopt;
    return std::string(mode);
}

std::string option_text(const Value& value) {
    if (value.type() == Value::Type::boolean) return value.boolean() ? "1" : "0";
    if (!value.is_list()) return value.scalar_text();
    std::vector<std::string> texts;
    for (const auto& item : value.items()) texts.push_back(item.scalar_text());
    return join(texts, ",");
}

void read_netplan_bond(const Section& parameters, Value& bond) {
    auto options = placed(Value::map(), parameters.value());
    for (const auto& [name, value] : parameters.value().members()) {
        const auto text = option_text(value);
        const auto found = std::ranges::find(kBondOptions, underscored(name), &BondOption::netplan);
        if (found != kBondOptions.end()) {
            options.set(found->kernel, placed(Value::of(text), value));
        } else if (name != "mode") {
            warn_unknown(name, value, parameters);
        } else if (const auto mode = bond_mode(text)) {
            bond.set("mode", placed(Value::of(*mode), value));
        } else {
            parameters.bad("mode", "is no mode of the kernel's bonding");
        }
    }
    if (!options.members().empty()) bond.set("options", std::move(options));
}

}  // namespace diatom::cloud
