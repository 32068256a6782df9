#include "uplink/plan.h"

#include <fnmatch.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::uplink {
namespace {

constexpr std::array<std::string_view, 7> kBondModes{"balance-rr", "active-backup", "balance-xor", "broadcast",
                                                     "802.3ad",    "balance-tlb",   "balance-alb"};
constexpr std::int64_t kHundredthNs = 10'000'000;

bool fits(const std::string& pattern, const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool is_name(std::string_view key) {
    return !key.empty() && key.size() < IFNAMSIZ && key.find_first_of("*?[]/=: ") == std::string_view::npos;
}

bool has_mac(const Present& link, std::string_view text) {
    const auto mac = net::parse_mac(text);
    return mac && (link.own_mac == *mac || (link.own_mac == net::Mac{} && link.mac == *mac));
}

// Whether a pattern of the configuration means a link.
bool means(const std::string& pattern, const Present& link) {
    if (pattern == link.name) return true;
    if (!link.hardware) return false;
    return pattern.starts_with("mac=") ? has_mac(link, std::string_view(pattern).substr(4)) : fits(pattern, link.name);
}

bool matches(const Value& match, const Present& link) {
    const auto mac = match.text_of("mac"), name = match.text_of("name"), driver = match.text_of("driver");
    if (mac.empty() && name.empty() && driver.empty()) return false;
    if (!mac.empty() && (!link.hardware || !has_mac(link, mac))) return false;
    if (!name.empty() && !means(name, link)) return false;
    return driver.empty() || (link.hardware && fits(driver, link.driver));
}

bool is_made(const Value& entry) { return entry.has("bond") || entry.has("bridge") || entry.has("vlan"); }

std::string place(const std::string& key) { return std::format("network.interfaces.{}", key); }

class Planner {
public:
    Planner(const Value& network, const std::vector<Present>& present)
        : entries_(network.at("interfaces").members()), present_(present) {
        wanted_.names = read_names(network.at("dns"));
    }

    Wanted plan() {
        if (entries_.empty()) {
            wanted_.any_will_do = true;
            for (const auto& link : present_) {
                if (link.hardware) add(link.name).asks = {.dhcp4 = true, .router = true, .dhcp6 = Asks::Six::as_told};
            }
            return std::move(wanted_);
        }
        for (const auto& [key, entry] : entries_) {
            if (is_made(entry)) add_made(key, entry);
        }
        for (const auto& link : present_) {
            if (const auto* member = entry_of(link)) add_given(link, *member);
        }
        for (const auto& [key, entry] : entries_) {
            take_members(key, entry.at("bond"), "bond");
            take_members(key, entry.at("bridge"), "bridge");
            if (entry.has("vlan")) take_lower(key, entry.at("vlan"));
            if (std::ranges::none_of(wanted_.links, [&](const auto& link) { return link.key == key; }))
                miss(key, entry);
        }
        for (auto& link : wanted_.links) settle(link);
        sort();
        return std::move(wanted_);
    }

private:
    WantedLink& add(const std::string& name) {
        for (auto& link : wanted_.links) {
            if (link.name == name) return link;
        }
        auto& link = wanted_.links.emplace_back();
        link.name = name;
        return link;
    }

    void say(const std::string& where, std::string_view what) {
        wanted_.problems.push_back(std::format("{}: {}", where, what));
    }

    void miss(const std::string& key, const Value& entry) {
        if (!is_made(entry)) say(place(key), "no link here is meant by it");
        if (!entry.boolean_of("optional")) wanted_.missing.push_back(key);
    }

    const Value* find(const std::string& key) const {
        for (const auto& [name, entry] : entries_) {
            if (name == key) return &entry;
        }
        return nullptr;
    }

    const Member* entry_of(const Present& link) const {
        for (const auto& member : entries_) {
            if (member.first == link.name && !member.second.has("match") && !is_made(member.second)) return &member;
        }
        for (const auto& member : entries_) {
            const auto& [key, entry] = member;
            // Of the links that are made here, and the loopback, only their own names speak.
            if (is_made(entry) || (find(link.name) != nullptr && is_made(*find(link.name)))) continue;
            if (entry.has("match") ? matches(entry.at("match"), link) : means(key, link)) return &member;
        }
        return nullptr;
    }

    void add_given(const Present& present, const Member& member) {
        auto& link = add(present.name);
        link.key = member.first;
        read(member.second, link);
    }

    void add_made(const std::string& key, const Value& entry) {
        if (!is_name(key)) return say(place(key), "is no name that a link can be made under");
        if (entry.has("bond") + entry.has("bridge") + entry.has("vlan") > 1)
            return say(place(key), "is a bond, a bridge or a VLAN, not several of them");
        auto& link = add(key);
        link.key = key;
        read(entry, link);
        if (entry.has("bond")) link.bond = read_bond(entry.at("bond"));
        if (entry.has("bridge")) link.bridge = read_bridge(entry.at("bridge"));
        if (entry.has("vlan")) link.vlan = Vlan{{}, static_cast<std::uint16_t>(entry.at("vlan").integer_of("id"))};
    }

    static Bond read_bond(const Value& said) {
        Bond bond;
        const auto* mode = std::ranges::find(kBondModes, said.text_of("mode", "active-backup"));
        if (mode != kBondModes.end()) bond.mode = static_cast<std::uint8_t>(mode - kBondModes.begin());
        for (const auto& [name, value] : said.at("options").members())
            bond.options.emplace_back(name, value.scalar_text());
        return bond;
    }

    static Bridge read_bridge(const Value& said) {
        Bridge bridge{.stp = said.boolean_of("stp"), .forward_delay = {}};
        const auto delay = sys::parse_duration(said.text_of("forward_delay", bridge.stp ? "" : "0s"));
        if (delay && *delay >= 0) bridge.forward_delay = static_cast<std::uint32_t>(*delay / kHundredthNs);
        return bridge;
    }

    void read(const Value& entry, WantedLink& link) {
        const auto where = place(link.key);
        if (entry.has("mtu")) link.mtu = static_cast<unsigned>(entry.integer_of("mtu"));
        if (entry.has("mac")) {
            if (auto mac = net::parse_mac(entry.text_of("mac"))) link.mac = *mac;
            else say(where + ".mac", mac.error().what());
        }
        link.addresses = read_addresses(entry, where, wanted_.problems);
        link.routes = read_routes(entry, where, wanted_.problems);
        link.rules = read_rules(entry, where, wanted_.problems);
        link.names = read_names(entry.at("dns"));
        for (const auto& command : entry.at("up").items()) link.up.push_back(command_words(command));
        link.optional = entry.boolean_of("optional");
        const bool says = !link.addresses.empty() || entry.boolean_of("dhcp6") || entry.boolean_of("link_local");
        link.asks = {.dhcp4 = entry.boolean_of("dhcp4", !says),
                     .router = entry.boolean_of("accept_ra", true),
                     .link_local = entry.boolean_of("link_local"),
                     .dhcp6 = !entry.has("dhcp6")         ? Asks::Six::as_told
                              : entry.boolean_of("dhcp6") ? Asks::Six::always
                                                          : Asks::Six::never};
        if (!link.asks.router && link.asks.dhcp6 == Asks::Six::as_told) link.asks.dhcp6 = Asks::Six::never;
    }

    // The links that a member's or a lower link's name means.
    std::vector<std::string> resolve(const std::string& name) const {
        const auto* entry = find(name);
        if (entry != nullptr && is_made(*entry))
            return wanted_.find(name) != nullptr ? std::vector{name} : std::vector<std::string>();
        std::vector<std::string> found;
        for (const auto& link : present_) {
            const auto* own = wanted_.find(link.name);
            const bool by_key = own != nullptr && own->key == name;
            if (by_key || (entry == nullptr && means(name, link))) found.push_back(link.name);
        }
        return found;
    }

    void take_members(const std::string& key, const Value& group, std::string_view kind) {
        if (!group.is_map() || wanted_.find(key) == nullptr) return;
        const auto where = std::format("{}.{}.interfaces", place(key), kind);
        for (const auto& name : group.texts_of("interfaces")) {
            const auto members = resolve(name);
            if (members.empty()) say(where, std::format("{} is not there", name));
            for (const auto& member : members) {
                auto& link = add(member);
                if (link.name == key) say(where, "it cannot be a member of itself");
                else if (!link.master.empty() && link.master != key)
                    say(where, std::format("{} is a member of {} already", member, link.master));
                else link.master = key;
            }
        }
    }

    void take_lower(const std::string& key, const Value& vlan) {
        if (wanted_.find(key) == nullptr) return;
        const auto name = vlan.text_of("link");
        const auto below = resolve(name);
        const auto where = place(key) + ".vlan";
        if (below.size() != 1 || below.front() == key || vlan.integer_of("id") == 0) {
            say(where, below.empty() ? std::format("{} is not there", name) : "needs an id, and one link below it");
            std::erase_if(wanted_.links, [&](const WantedLink& link) { return link.name == key; });
            return;
        }
        add(below.front());
        for (auto& link : wanted_.links) {
            if (link.name == key) link.vlan->link = below.front();
        }
    }

    // A member has no addresses of its own, nor has the loopback others to ask; neither has what stands here only
    // because another is made of it.
    static void settle(WantedLink& link) {
        if (link.key.empty() || !link.master.empty() || link.name == "lo") link.asks = {};
    }

    // A VLAN after what it is of, a member after its master, which must be there to take it.
    void sort() {
        std::vector<WantedLink> sorted;
        auto& links = wanted_.links;
        const auto is_sorted = [&](const std::string& name) {
            return name.empty() || std::ranges::any_of(sorted, [&](const auto& link) { return link.name == name; });
        };
        while (!links.empty()) {
            const auto next = std::ranges::find_if(links, [&](const WantedLink& link) {
                return is_sorted(link.vlan ? link.vlan->link : std::string()) && is_sorted(link.master);
            });
            if (next == links.end()) {
                for (const auto& link : links) {
                    say(place(link.key), "what it is made of is not there, or is itself");
                    if (!link.optional) wanted_.missing.push_back(link.key);
                }
                break;
            }
            sorted.push_back(std::move(*next));
            links.erase(next);
        }
        links = std::move(sorted);
    }

    const std::vector<Member>& entries_;
    const std::vector<Present>& present_;
    Wanted wanted_;
};

}  // namespace

std::vector<std::string> command_words(const Value& command) {
    if (command.is_text()) return {"/bin/sh", "-c", command.text()};
    std::vector<std::string> words;
    for (const auto& word : command.items()) words.push_back(word.scalar_text());
    return words;
}

Wanted plan(const Value& network, const std::vector<Present>& present) { return Planner(network, present).plan(); }

}  // namespace diatom::uplink
