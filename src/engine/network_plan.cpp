#include "engine/network_plan.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "engine/names.h"
#include "sys/clock.h"

namespace diatom::engine {
namespace {

using net::Address;
constexpr unsigned kLeastMtu = 68, kMostMtu = 65535;

std::string option(const NetworkRecord& record, const std::string& key) {
    const auto found = record.options.find(key);
    return found == record.options.end() ? std::string() : found->second;
}

// As Go's strconv.ParseBool.
Result<bool> flag(const NetworkRecord& record, const std::string& key, bool otherwise) {
    const auto text = option(record, key);
    constexpr std::array<std::string_view, 6> kYes = {"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array<std::string_view, 6> kNo = {"0", "f", "F", "false", "FALSE", "False"};
    if (text.empty()) return otherwise;
    if (std::ranges::contains(kYes, text)) return true;
    if (std::ranges::contains(kNo, text)) return false;
    return fail(Kind::invalid, "option {}: \"{}\" is neither true nor false", key, text);
}

Result<unsigned> mtu_of(const NetworkRecord& record, unsigned otherwise) {
    const auto text = option(record, kMtuOption);
    if (text.empty()) return otherwise;
    const auto mtu = parse_uint(text);
    if (!mtu || *mtu < kLeastMtu || *mtu > kMostMtu)
        return fail(Kind::invalid, "option {}: \"{}\" must be from {} to {}", kMtuOption, text, kLeastMtu, kMostMtu);
    return static_cast<unsigned>(*mtu);
}

Result<net::GatewayMode> gateway_mode(const NetworkRecord& record, const std::string& key) {
    using enum net::GatewayMode;
    constexpr auto kModes = std::to_array<std::pair<std::string_view, net::GatewayMode>>(
        {{"", nat}, {"nat", nat}, {"nat-unprotected", nat_unprotected}, {"routed", routed}, {"isolated", isolated}});
    const auto text = option(record, key);
    const auto mode = std::ranges::find(kModes, text, &std::pair<std::string_view, net::GatewayMode>::first);
    if (mode == kModes.end()) return fail(Kind::invalid, "option {}: unknown gateway mode \"{}\"", key, text);
    return mode->second;
}

bool is_isolated(const NetworkRecord& record, Address::Family family) {
    const auto mode = gateway_mode(record, family == Address::Family::v4 ? kGatewayMode4Option : kGatewayMode6Option);
    return record.driver == "bridge" && mode && *mode == net::GatewayMode::isolated;
}

Result<net::ChildSpec::Kind> child_kind(const NetworkRecord& record) {
    using enum net::ChildSpec::Kind;
    struct Mode {
        std::string_view driver, name;
        net::ChildSpec::Kind kind;
    };
    // The first of a driver is its default.
    constexpr std::array kModes = std::to_array<Mode>({{"macvlan", "bridge", macvlan_bridge},
                                                       {"macvlan", "private", macvlan_private},
                                                       {"macvlan", "vepa", macvlan_vepa},
                                                       {"macvlan", "passthru", macvlan_passthru},
                                                       {"ipvlan", "l2", ipvlan_l2},
                                                       {"ipvlan", "l3", ipvlan_l3},
                                                       {"ipvlan", "l3s", ipvlan_l3s}});
    const auto wanted = option(record, record.driver + "_mode");
    for (const auto& mode : kModes) {
        if (mode.driver == record.driver && (wanted.empty() || mode.name == wanted)) return mode.kind;
    }
    return fail(Kind::invalid, "unknown {} mode \"{}\"", record.driver, wanted);
}

Result<void> check_pool(const net::Pool& pool) {
    const auto& subnet = pool.subnet;
    if (!pool.range.base.empty() && (!subnet.contains(pool.range.base) || pool.range.prefix < subnet.prefix))
        return fail(Kind::invalid, "invalid ip-range {}: it is not within subnet {}", pool.range.text(), subnet.text());
    if (!pool.gateway.empty() && !subnet.contains(pool.gateway))
        return fail(Kind::invalid, "no matching subnet for gateway {}", pool.gateway.text());
    for (const auto& [name, address] : pool.reserved) {
        if (!subnet.contains(address))
            return fail(Kind::invalid, "no matching subnet for aux-address {}", address.text());
    }
    return {};
}

std::vector<net::Subnet> subnets_of(const std::vector<NetworkRecord>& records) {
    std::vector<net::Subnet> subnets;
    for (const auto& record : records) {
        if (record.config_only) continue;
        for (const auto& pool : record.pools) subnets.push_back(pool.subnet);
    }
    return subnets;
}

bool has_family(const NetworkRecord& record, Address::Family family) {
    return std::ranges::any_of(record.pools, [&](const net::Pool& p) { return p.subnet.base.family() == family; });
}

Result<void> fill_subnets(NetworkRecord& record, const std::vector<NetworkRecord>& existing) {
    auto taken = subnets_of(existing);
    for (const auto& pool : record.pools) {
        TRY(check_pool(pool));
        const auto clash = std::ranges::find_if(taken, [&](const auto& other) { return overlap(pool.subnet, other); });
        if (clash != taken.end()) {
            return fail(Kind::denied,
                        "invalid pool request: Pool overlaps with other one on this address space: {} and {}",
                        pool.subnet.text(), clash->text());
        }
        taken.push_back(pool.subnet);
    }
    record.chosen4 = has_family(record, Address::Family::v4);
    record.chosen6 = has_family(record, Address::Family::v6);
    if (record.chosen6 && !record.ipv6) {
        return fail(Kind::invalid, "the network has an IPv6 subnet but IPv6 is not enabled: add --ipv6");
    }
    if (record.chosen4 && !record.ipv4) return fail(Kind::invalid, "the network has an IPv4 subnet but IPv4 is off");
    if (record.ipv4 && !record.chosen4)
        record.pools.insert(record.pools.begin(), {.subnet = TRY(net::choose_subnet(taken)), .gateway = {}});
    if (record.ipv6 && !record.chosen6)
        record.pools.push_back({.subnet = TRY(net::choose_subnet6(taken)), .gateway = {}});
    if (record.pools.empty()) return fail(Kind::invalid, "IPv4 or IPv6 must be enabled");
    return {};
}

// The gateway: the first address that is left. An internal bridge has it too, for it answers names there.
void fill_gateways(NetworkRecord& record) {
    for (auto& pool : record.pools) {
        if (is_isolated(record, pool.subnet.base.family())) pool.gateway = {};
        else if (!pool.gateway.empty()) continue;
        else if (auto first = net::AddressPool(pool).take()) pool.gateway = *first;
    }
}

Result<void> plan_bridge(NetworkRecord& record, const std::vector<NetworkRecord>& existing) {
    record.bridge = option(record, kBridgeNameOption);
    if (record.bridge.empty()) record.bridge = "br-" + record.id.substr(0, 12);
    const auto same = std::ranges::find(existing, record.bridge, &NetworkRecord::bridge);
    if (same != existing.end()) {
        return fail(Kind::denied,
                    "cannot create network {} ({}): conflicts with network {} ({}): networks have same bridge name",
                    record.name, record.bridge, same->name, same->bridge);
    }
    TRY(flag(record, kIccOption, true));
    TRY(flag(record, kMasqueradeOption, true));
    TRY(mtu_of(record, 1500));
    if (const auto binding = option(record, kHostBindingOption); !binding.empty()) {
        const auto address = net::Address::parse(binding);
        if (!address || address->family() != Address::Family::v4)
            return fail(Kind::invalid, "option {}: \"{}\" is not an IPv4 address", kHostBindingOption, binding);
    }
    for (const char* key : {kGatewayMode4Option, kGatewayMode6Option}) {
        if (TRY(gateway_mode(record, key)) == net::GatewayMode::isolated && !record.internal)
            return fail(Kind::invalid, "gateway mode 'isolated' can only be used for an internal network");
    }
    return {};
}

Result<void> plan_child(NetworkRecord& record, const std::vector<NetworkRecord>& existing) {
    record.bridge = option(record, "parent");
    TRY(child_kind(record));
    TRY(mtu_of(record, 0));
    if (const auto ports = option(record, "ipvlan_flag"); !ports.empty() && ports != "bridge")
        return fail(Kind::unsupported, "ipvlan_flag \"{}\" is not in this version: it has bridge", ports);
    if (record.bridge.empty()) {
        record.bridge = "dm-" + record.id.substr(0, 12);
        record.internal = true;
        return {};
    }
    for (const auto& other : existing) {
        if (other.bridge != record.bridge || !is_child_driver(other.driver)) continue;
        if (other.driver != record.driver) {
            return fail(Kind::denied,
                        "network {} uses interface {} with driver {}: a card serves one of macvlan and ipvlan",
                        other.name, record.bridge, other.driver);
        }
    }
    return {};
}

// Nothing of this host: only what networks are made with.
Result<NetworkRecord> plan_configuration(NetworkRecord record) {
    if (!record.config_from.empty())
        return fail(Kind::denied, "a configuration network cannot depend on another configuration network");
    if (record.internal || record.attachable) {
        return fail(Kind::denied,
                    "configuration network can only contain network specific fields. Network operator fields like "
                    "[ ingress | internal | attachable | scope ] are not supported.");
    }
    for (const auto& pool : record.pools) TRY(check_pool(pool));
    record.driver = "null";
    record.id = random_id();
    record.created = sys::wall_ns();
    return record;
}

Result<void> take_configuration(NetworkRecord& record, const std::vector<NetworkRecord>& existing) {
    const auto from = std::ranges::find_if(existing, [&](const NetworkRecord& other) {
        return other.name == record.config_from ||
               (is_id_prefix(record.config_from) && other.id.starts_with(record.config_from));
    });
    if (from == existing.end()) return fail(Kind::not_found, "network {} not found", record.config_from);
    if (!from->config_only)
        return fail(Kind::denied, "network {} is not a configuration network (--config-only)", from->name);
    if (!record.pools.empty() || !record.options.empty() || !record.ipam_options.empty() || !record.labels.empty() ||
        record.ipv6) {
        return fail(Kind::denied,
                    "user specified configurations are not supported if the network depends on a configuration "
                    "network");
    }
    record.config_from = from->name;
    record.pools = from->pools;
    record.options = from->options;
    record.ipam_options = from->ipam_options;
    record.labels = from->labels;
    record.ipv4 = from->ipv4;
    record.ipv6 = from->ipv6;
    return {};
}

}  // namespace

bool is_builtin(const NetworkRecord& network) {
    return network.name == "bridge" || network.name == "host" || network.name == "none";
}

bool is_child_driver(const std::string& driver) { return driver == "macvlan" || driver == "ipvlan"; }

NetworkRecord plan_builtin(const std::string& name, const std::string& driver) {
    return {.id = random_id(), .name = name, .driver = driver, .created = sys::wall_ns()};
}

Result<NetworkRecord> plan_default_bridge(const std::string& interface) {
    NetworkRecord record = plan_builtin("bridge", "bridge");
    record.bridge = interface;
    const auto subnet = TRY(net::choose_subnet({}), "choose the default bridge's subnet");
    record.pools.push_back({.subnet = subnet, .gateway = subnet.base.plus(1)});
    // What is published is to be reachable over IPv6 too: no process stands between, so the container needs an address.
    if (net::has_ipv6()) {
        const auto six = TRY(net::choose_subnet6({}), "choose the default bridge's subnet");
        record.pools.push_back({.subnet = six, .gateway = six.base.plus(1)});
        record.ipv6 = true;
    }
    record.options = {{"com.docker.network.bridge.default_bridge", "true"},
                      {kIccOption, "true"},
                      {kMasqueradeOption, "true"},
                      {kHostBindingOption, "0.0.0.0"},
                      {kBridgeNameOption, interface},
                      {kMtuOption, "1500"}};
    return record;
}

namespace {

// Docker takes every name that is not blank; one with a slash nobody could name in the API again.
Result<void> check_network_name(std::string_view name) {
    const bool strange = std::ranges::any_of(name, [](char c) { return c == '/' || (c >= 0 && c < ' ') || c == 0x7f; });
    if (trim(name).empty() || strange) return fail(Kind::invalid, "invalid network name \"{}\"", name);
    return {};
}

}  // namespace

Result<NetworkRecord> plan_network(NetworkRecord wanted, const std::vector<NetworkRecord>& existing) {
    NetworkRecord record = std::move(wanted);
    // As Docker tells of them, whatever the order in which a client names them: its own command's is random.
    std::ranges::stable_partition(record.pools,
                                  [](const net::Pool& p) { return p.subnet.base.family() == Address::Family::v4; });
    TRY(check_network_name(record.name));
    if (record.name == "default" || record.name == "container")
        return fail(Kind::denied, "operation is not permitted on predefined {} network", record.name);
    if (std::ranges::contains(existing, record.name, &NetworkRecord::name))
        return fail(Kind::conflict, "network with name {} already exists", record.name);
    if (record.config_only) return plan_configuration(std::move(record));
    if (!record.config_from.empty()) TRY(take_configuration(record, existing));
    if (record.driver.empty() || record.driver == "default") record.driver = "bridge";
    if (record.driver == "host" || record.driver == "null")
        return fail(Kind::denied, "only one instance of \"{}\" network is allowed", record.driver);
    if (record.driver == "overlay")
        return fail(Kind::unavailable, "This node is not a swarm manager: the overlay driver needs one.");
    if (record.driver != "bridge" && !is_child_driver(record.driver))
        return fail(Kind::not_found, "plugin \"{}\" not found: this version has the drivers bridge, macvlan and ipvlan",
                    record.driver);
    record.id = random_id();
    record.created = sys::wall_ns();
    TRY(record.driver == "bridge" ? plan_bridge(record, existing) : plan_child(record, existing));
    TRY(fill_subnets(record, existing));
    fill_gateways(record);
    return record;
}

net::BridgeSpec bridge_spec(const NetworkRecord& record) {
    return {.name = record.bridge,
            .pools = record.pools,
            .masquerade = flag(record, kMasqueradeOption, true).value_or(true),
            .internal = record.internal,
            .isolate = !flag(record, kIccOption, true).value_or(true),
            .mtu = mtu_of(record, 1500).value_or(1500),
            .mode4 = gateway_mode(record, kGatewayMode4Option).value_or(net::GatewayMode::nat),
            .mode6 = gateway_mode(record, kGatewayMode6Option).value_or(net::GatewayMode::nat)};
}

net::ChildSpec child_spec(const NetworkRecord& record) {
    return {.kind = child_kind(record).value_or(net::ChildSpec::Kind::macvlan_bridge),
            .parent = record.bridge,
            .own_parent = record.bridge == "dm-" + record.id.substr(0, 12),
            .pools = record.pools,
            .internal = record.internal,
            .mtu = mtu_of(record, 0).value_or(0)};
}

}  // namespace diatom::engine
