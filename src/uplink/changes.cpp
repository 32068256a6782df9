#include "uplink/changes.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <format>

namespace diatom::uplink {
namespace {

using net::Address;

const Present* find(const std::vector<Present>& present, const std::string& name) {
    const auto found = std::ranges::find(present, name, &Present::name);
    return found == present.end() ? nullptr : &*found;
}

// Whether nobody is asked on a link for addresses of a family, and it is ours to say so.
bool is_quiet(const Present& link, const Wanted& wanted, const Asked& asked, Address::Family family) {
    const auto* said = wanted.find(link.name);
    if (said == nullptr || (said->key.empty() && said->master.empty() && !wanted.any_will_do))
        return asked.contains(link.name);
    return family == Address::Family::v4 ? !said->asks.four() : !said->asks.six();
}

bool is_wanted(const Wanted& wanted, const Present& link, const WantedAddress& address) {
    const auto* said = wanted.find(link.name);
    return said != nullptr && std::ranges::contains(said->addresses, address);
}

// Of a lease or a router advertisement, or of RFC 3927.
bool is_given(const KernelAddress& entry) {
    const bool four = entry.is.address.family() == Address::Family::v4;
    if (!four && entry.link_scope) return false;
    return !entry.permanent || (four && net::is_link_local(entry.is.address));
}

bool is_on_link(std::uint8_t kind) { return kind == RTN_UNICAST; }

bool is_same(const KernelRoute& there, int index, const WantedRoute& wanted) {
    return there.is == wanted && (!is_on_link(wanted.kind) || there.index == index);
}

bool is_same(const WantedRule& there, const WantedRule& wanted) {
    auto compared = there;
    if (!wanted.priority) compared.priority.reset();
    return compared == wanted;
}

bool is_leased(const KernelRoute& route) { return route.protocol == RTPROT_DHCP || route.protocol == RTPROT_RA; }

bool has_given(const Present& link, const Wanted& wanted, Address::Family family,
               const std::vector<KernelAddress>& there) {
    return std::ranges::any_of(there, [&](const KernelAddress& entry) {
        const bool far = family == Address::Family::v4 || !entry.link_scope;
        return entry.index == link.index && entry.is.address.family() == family && far &&
               !is_wanted(wanted, link, entry.is);
    });
}

}  // namespace

AddressChanges address_changes(const Wanted& wanted, const std::vector<Present>& present, const Asked& asked,
                               const std::vector<KernelAddress>& there) {
    AddressChanges changes;
    for (const auto& said : wanted.links) {
        const auto* link = find(present, said.name);
        for (const auto& address : said.addresses) {
            const auto is_there = [&](const KernelAddress& entry) {
                return entry.index == link->index && entry.is == address;
            };
            if (link != nullptr && std::ranges::none_of(there, is_there)) changes.add.push_back({link->index, address});
        }
    }
    for (const auto& entry : there) {
        const auto link = std::ranges::find(present, entry.index, &Present::index);
        if (link == present.end()) continue;
        // A lease that is said now goes, too, to come back as ours: dhcpcd's have no route of the kernel's.
        const bool goes = entry.protocol == kOurs
                              ? !is_wanted(wanted, *link, entry.is)
                              : is_given(entry) && is_quiet(*link, wanted, asked, entry.is.address.family());
        if (goes) changes.remove.push_back({entry.index, entry.is});
    }
    return changes;
}

RouteChanges route_changes(const Wanted& wanted, const std::vector<Present>& present, const Asked& asked,
                           const std::vector<KernelRoute>& there) {
    RouteChanges changes;
    std::vector<RouteChange> all;
    for (const auto& said : wanted.links) {
        const auto* link = find(present, said.name);
        for (const auto& route : said.routes) {
            if (link == nullptr) continue;
            all.push_back({link->index, route});
            if (std::ranges::none_of(there, [&](const auto& entry) { return is_same(entry, link->index, route); }))
                changes.add.push_back({link->index, route});
        }
    }
    for (const auto& entry : there) {
        if (std::ranges::any_of(all, [&](const auto& one) { return is_same(entry, one.index, one.is); })) continue;
        const auto link = std::ranges::find(present, entry.index, &Present::index);
        const bool quiet = link != present.end() && is_quiet(*link, wanted, asked, entry.is.to.base.family());
        if (entry.protocol == kOurs || (quiet && is_leased(entry))) changes.remove.push_back(entry);
    }
    return changes;
}

RuleChanges rule_changes(const Wanted& wanted, const std::vector<KernelRule>& there) {
    RuleChanges changes;
    std::vector<const KernelRule*> kept;
    for (const auto& said : wanted.links) {
        for (const auto& rule : said.rules) {
            const auto same = std::ranges::find_if(
                there, [&](const auto& entry) { return entry.protocol == kOurs && is_same(entry.is, rule); });
            if (same == there.end()) {
                if (!std::ranges::contains(changes.add, rule)) changes.add.push_back(rule);
            } else {
                kept.push_back(&*same);
            }
        }
    }
    for (const auto& entry : there) {
        if (entry.protocol == kOurs && !std::ranges::contains(kept, &entry)) changes.remove.push_back(entry);
    }
    return changes;
}

std::string lack(const WantedLink& said, const Present& link, const Wanted& wanted,
                 const std::vector<KernelAddress>& there) {
    // A bridge is without carrier until it has ports that have one.
    const bool alone = said.bridge && std::ranges::none_of(wanted.links, [&](const WantedLink& other) {
                           return other.master == said.name;
                       });
    if (!link.up || (!link.carrier && !alone)) return "a carrier";
    for (const auto& address : said.addresses) {
        const auto is_there = [&](const KernelAddress& entry) {
            return entry.index == link.index && entry.is == address && entry.settled;
        };
        if (std::ranges::none_of(there, is_there)) return "its address " + address.address.text();
    }
    if (said.asks.four() && !has_given(link, wanted, Address::Family::v4, there)) return "an IPv4 address by DHCP";
    if (said.asks.dhcp6 == Asks::Six::always && !has_given(link, wanted, Address::Family::v6, there))
        return "an IPv6 address by DHCP";
    return {};
}

std::vector<std::string> awaited(const Wanted& wanted, const std::vector<Present>& present,
                                 const std::vector<KernelAddress>& there) {
    std::vector<std::string> lacks;
    if (wanted.any_will_do) {
        const auto has_any = [&](const Present& link) {
            return link.hardware && (has_given(link, wanted, Address::Family::v4, there) ||
                                     has_given(link, wanted, Address::Family::v6, there));
        };
        if (std::ranges::none_of(present, has_any)) lacks.emplace_back("an address of any link");
        return lacks;
    }
    for (const auto& key : wanted.missing) lacks.push_back(key + ": a link");
    for (const auto& said : wanted.links) {
        // A member's master says whether it is enough.
        if (said.optional || said.key.empty() || !said.master.empty()) continue;
        const auto* link = find(present, said.name);
        const auto what = link == nullptr ? std::string("a link") : lack(said, *link, wanted, there);
        if (!what.empty()) lacks.push_back(std::format("{}: {}", said.name, what));
    }
    return lacks;
}

}  // namespace diatom::uplink
