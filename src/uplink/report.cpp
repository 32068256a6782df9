#include "uplink/report.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"

namespace diatom::uplink {
namespace {

Value list_of(const std::vector<std::string>& texts) { return Value::of(texts); }

void set_list(Value& to, std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty()) to.set(key, list_of(texts));
}

std::string text_of(const WantedAddress& address) {
    return std::format("{}/{}", address.address.text(), address.prefix);
}

std::string_view kind_of(std::uint8_t kind) {
    static constexpr std::array<std::pair<std::uint8_t, std::string_view>, 4> kKinds{{{RTN_BLACKHOLE, "blackhole "},
                                                                                      {RTN_UNREACHABLE, "unreachable "},
                                                                                      {RTN_PROHIBIT, "prohibit "},
                                                                                      {RTN_THROW, "throw "}}};
    const auto* found = std::ranges::find(kKinds, kind, &std::pair<std::uint8_t, std::string_view>::first);
    return found == kKinds.end() ? std::string_view() : found->second;
}

std::string text_of(const WantedRoute& route) {
    auto text = std::format("{}{}", kind_of(route.kind), route.to.prefix == 0 ? "default" : route.to.text());
    if (!route.via.empty()) text += " via " + route.via.text();
    if (!route.from.empty()) text += " from " + route.from.text();
    if (route.metric != 0) text += std::format(" metric {}", route.metric);
    if (route.table != RT_TABLE_MAIN) text += std::format(" table {}", route.table);
    if (route.mtu != 0) text += std::format(" mtu {}", route.mtu);
    return text + (route.on_link ? " on_link" : "");
}

std::string text_of(const WantedRule& rule) {
    std::string text = rule.priority ? std::format("{}:", *rule.priority) : std::string();
    const auto add = [&](const std::string& words) { text += (text.empty() ? "" : " ") + words; };
    if (!rule.from.base.empty()) add("from " + rule.from.text());
    if (!rule.to.base.empty()) add("to " + rule.to.text());
    if (rule.mark != 0) add(std::format("mark {}", rule.mark));
    add(std::format("table {}", rule.table));
    return text;
}

template <class T>
std::vector<std::string> texts_of(const std::vector<T>& things) {
    std::vector<std::string> texts;
    for (const auto& thing : things) texts.push_back(text_of(thing));
    return texts;
}

std::vector<std::string> asks_of(const Asks& asks) {
    std::vector<std::string> texts;
    if (asks.dhcp4) texts.emplace_back("dhcp4");
    if (asks.dhcp6 == Asks::Six::always) texts.emplace_back("dhcp6");
    if (asks.router) texts.emplace_back("router advertisements");
    if (asks.link_local) texts.emplace_back("link_local");
    return texts;
}

Value names_of(const Names& names) {
    auto shown = Value::map();
    set_list(shown, "servers", names.servers);
    set_list(shown, "search", names.search);
    return shown;
}

void set_made(Value& shown, const WantedLink& link) {
    if (link.bond) shown.set("made", "bond");
    if (link.bridge) shown.set("made", "bridge");
    if (link.vlan) shown.set("made", std::format("VLAN {} of {}", link.vlan->id, link.vlan->link));
}

Names read_resolv_conf(std::string_view text) {
    Names names;
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (words[0] == "nameserver") names.servers.emplace_back(words[i]);
            if (words[0] == "search") names.search.emplace_back(words[i]);
        }
    }
    return names;
}

Value status_of(const Present& link, const WantedLink* said, const Wanted& wanted, const Seen& seen) {
    auto shown = Value::map();
    if (said != nullptr && !said->key.empty() && said->key != link.name) shown.set("by", said->key);
    shown.set("state", !link.up ? "down" : link.carrier ? "up" : "without carrier");
    if (!link.kind.empty()) shown.set("kind", link.kind);
    if (!link.driver.empty()) shown.set("driver", link.driver);
    shown.set("mac", net::format_mac(link.mac));
    shown.set("mtu", Value::of(static_cast<std::int64_t>(link.mtu)));
    for (const auto& other : seen.links) {
        if (link.master != 0 && other.index == link.master) shown.set("member_of", other.name);
    }
    std::vector<std::string> addresses, routes;
    for (const auto& entry : seen.addresses) {
        if (entry.index == link.index) addresses.push_back(text_of(entry.is));
    }
    for (const auto& route : seen.routes) {
        if (route.index == link.index && route.protocol != RTPROT_KERNEL) routes.push_back(text_of(route.is));
    }
    set_list(shown, "addresses", addresses);
    set_list(shown, "routes", routes);
    if (said == nullptr) return shown;
    set_list(shown, "asks", asks_of(said->asks));
    if (const auto lacks = lack(*said, link, wanted, seen.addresses); !lacks.empty()) shown.set("lacks", lacks);
    return shown;
}

}  // namespace

Value show(const Wanted& wanted) {
    auto links = Value::map(), shown = Value::map();
    for (const auto& link : wanted.links) {
        auto one = Value::map();
        if (!link.key.empty() && link.key != link.name) one.set("by", link.key);
        set_made(one, link);
        if (!link.master.empty()) one.set("member_of", link.master);
        if (link.mac) one.set("mac", net::format_mac(*link.mac));
        if (link.mtu) one.set("mtu", Value::of(static_cast<std::int64_t>(*link.mtu)));
        set_list(one, "asks", asks_of(link.asks));
        set_list(one, "addresses", texts_of(link.addresses));
        set_list(one, "routes", texts_of(link.routes));
        set_list(one, "rules", texts_of(link.rules));
        if (!link.names.empty()) one.set("dns", names_of(link.names));
        if (link.optional) one.set("optional", Value::of(true));
        links.set(link.name, std::move(one));
    }
    shown.set("links", std::move(links));
    if (!wanted.names.empty()) shown.set("dns", names_of(wanted.names));
    set_list(shown, "problems", wanted.problems);
    return shown;
}

Value status(const Wanted& wanted, const Seen& seen) {
    auto links = Value::map(), shown = Value::map();
    for (const auto& link : seen.links) {
        const auto* said = wanted.find(link.name);
        if (said != nullptr || link.hardware) links.set(link.name, status_of(link, said, wanted, seen));
    }
    auto problems = wanted.problems;
    const auto miss = [&](int index, const std::string& what) {
        const auto link = std::ranges::find(seen.links, index, &Present::index);
        problems.push_back(std::format("{}: {} is not there", link == seen.links.end() ? "?" : link->name, what));
    };
    for (const auto& change : address_changes(wanted, seen.links, {}, seen.addresses).add)
        miss(change.index, text_of(change.is));
    for (const auto& change : route_changes(wanted, seen.links, {}, seen.routes).add)
        miss(change.index, "route " + text_of(change.is));
    for (const auto& rule : rule_changes(wanted, seen.rules).add)
        problems.push_back(std::format("rule {} is not there", text_of(rule)));
    const auto waits = awaited(wanted, seen.links, seen.addresses);
    shown.set("online", Value::of(waits.empty()));
    set_list(shown, "waits_for", waits);
    shown.set("links", std::move(links));
    shown.set("dns", names_of(read_resolv_conf(seen.resolv_conf)));
    std::vector<std::string> rules;
    for (const auto& rule : seen.rules) {
        if (rule.protocol == kOurs) rules.push_back(text_of(rule.is));
    }
    set_list(shown, "rules", rules);
    set_list(shown, "problems", problems);
    return shown;
}

}  // namespace diatom::uplink
