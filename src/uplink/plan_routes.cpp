// Addresses, routes and rules of one interface.
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "uplink/plan.h"

namespace diatom::uplink {
namespace {

using net::Address;
using net::Subnet;

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> kKinds{{
    {"unicast", RTN_UNICAST},
    {"blackhole", RTN_BLACKHOLE},
    {"unreachable", RTN_UNREACHABLE},
    {"prohibit", RTN_PROHIBIT},
    {"throw", RTN_THROW},
}};

Result<WantedAddress> read_prefix(std::string_view text) {
    const auto halves = cut(text, '/');
    const auto address = TRY(Address::parse(halves ? halves->first : text));
    const auto whole = address.size() * 8;
    const auto bits = halves ? parse_uint(halves->second) : std::optional<std::uint64_t>(whole);
    if (!bits || *bits > whole) return fail(Kind::invalid, "\"{}\" has no length of a network", text);
    return WantedAddress{address, static_cast<unsigned>(*bits)};
}

// The network that an address with its length is in.
Result<Subnet> read_subnet(std::string_view text) {
    const auto read = TRY(read_prefix(text));
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(read.address.bytes(), read.address.size(), bytes.begin());
    for (unsigned bit = read.prefix; bit < read.address.size() * 8; ++bit)
        bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
    if (read.address.family() == Address::Family::v6) return Subnet{Address::v6(bytes), read.prefix};
    return Subnet{Address::v4(std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                              std::uint32_t{bytes[2]} << 8U | bytes[3]),
                  read.prefix};
}

Subnet any_of(Address::Family family) { return {family == Address::Family::v6 ? Address::v6({}) : Address::v4(0), 0}; }

std::uint32_t number_of(const Value& entry, std::string_view key, std::uint32_t fallback) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(entry.integer_of(key, fallback), 0, UINT32_MAX));
}

Result<Address> address_of(const Value& entry, std::string_view key) {
    const auto text = entry.text_of(key);
    return text.empty() ? Result<Address>(Address()) : Address::parse(text);
}

Result<WantedRoute> read_route(const Value& said) {
    WantedRoute route;
    route.via = TRY(address_of(said, "via"));
    route.from = TRY(address_of(said, "from"));
    const auto to = said.text_of("to", "default");
    const auto family = !route.via.empty() ? route.via.family() : route.from.family();
    route.to = to == "default" ? any_of(family) : TRY(read_subnet(to));
    for (const auto& other : {route.via, route.from}) {
        if (!other.empty() && other.family() != route.to.base.family())
            return fail(Kind::invalid, "{} and {} are of two families", to, other.text());
    }
    const auto kind = said.text_of("kind", "unicast");
    const auto* known = std::ranges::find(kKinds, kind, &std::pair<std::string_view, std::uint8_t>::first);
    if (known == kKinds.end()) return fail(Kind::invalid, "\"{}\" is no kind of a route", kind);
    route.kind = known->second;
    route.metric = number_of(said, "metric", 0);
    // Without one the kernel takes 1024 for IPv6, and what routers advertise would come before.
    if (route.metric == 0 && route.to.base.family() == Address::Family::v6) route.metric = 512;
    route.table = number_of(said, "table", RT_TABLE_MAIN);
    route.mtu = number_of(said, "mtu", 0);
    route.on_link = said.boolean_of("on_link") && !route.via.empty();
    return route;
}

Result<WantedRule> read_rule(const Value& said) {
    WantedRule rule;
    if (said.has("from")) rule.from = TRY(read_subnet(said.text_of("from")));
    if (said.has("to")) rule.to = TRY(read_subnet(said.text_of("to")));
    if (!rule.from.base.empty() && !rule.to.base.empty() && rule.from.base.family() != rule.to.base.family())
        return fail(Kind::invalid, "from and to are of two families");
    const auto& known = rule.from.base.empty() ? rule.to : rule.from;
    if (!known.base.empty()) rule.family = known.base.family();
    // "Any" is what the kernel shows as nothing.
    for (auto* subnet : {&rule.from, &rule.to}) {
        if (subnet->prefix == 0) *subnet = {};
    }
    rule.table = number_of(said, "table", RT_TABLE_MAIN);
    rule.mark = number_of(said, "mark", 0);
    if (said.has("priority")) rule.priority = number_of(said, "priority", 0);
    return rule;
}

template <class T>
void take(Result<T> read, const std::string& where, std::vector<T>& found, std::vector<std::string>& problems) {
    if (!read) problems.push_back(std::format("{}: {}", where, read.error().what()));
    else if (!std::ranges::contains(found, *read)) found.push_back(*std::move(read));
}

}  // namespace

std::vector<WantedAddress> read_addresses(const Value& entry, const std::string& key,
                                          std::vector<std::string>& problems) {
    std::vector<WantedAddress> found;
    for (const auto& text : entry.texts_of("addresses")) take(read_prefix(text), key + ".addresses", found, problems);
    return found;
}

std::vector<WantedRoute> read_routes(const Value& entry, const std::string& key, std::vector<std::string>& problems) {
    std::vector<WantedRoute> found;
    for (const auto* gateway : {"gateway4", "gateway6"}) {
        if (!entry.has(gateway)) continue;
        auto route = Value::map();
        route.set("via", entry.text_of(gateway));
        take(read_route(route), std::format("{}.{}", key, gateway), found, problems);
    }
    const auto& routes = entry.at("routes").items();
    for (std::size_t i = 0; i < routes.size(); ++i)
        take(read_route(routes[i]), std::format("{}.routes[{}]", key, i), found, problems);
    return found;
}

std::vector<WantedRule> read_rules(const Value& entry, const std::string& key, std::vector<std::string>& problems) {
    std::vector<WantedRule> found;
    const auto& rules = entry.at("rules").items();
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto where = std::format("{}.rules[{}]", key, i);
        auto rule = read_rule(rules[i]);
        const bool both = rule && !rules[i].has("from") && !rules[i].has("to");
        take(rule, where, found, problems);
        if (!both) continue;
        rule->family = Address::Family::v6;
        take(rule, where, found, problems);
    }
    return found;
}

Names read_names(const Value& dns) { return {dns.texts_of("servers"), dns.texts_of("search")}; }

}  // namespace diatom::uplink
