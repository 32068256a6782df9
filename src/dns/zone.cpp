#include "dns/zone.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::dns {
namespace {

// A name as it stands, and as NAME.NETWORK.
struct Candidate {
    std::string name, network;  // of any network when empty
};

std::vector<Candidate> candidates(const View& view, const std::string& asked) {
    const auto link = view.links.find(asked);
    const std::string& name = link == view.links.end() ? asked : link->second;
    std::vector<Candidate> all = {{.name = name, .network = {}}};
    // A network's name may have dots itself.
    for (const auto& membership : view.networks) {
        const std::string end = "." + to_lower(membership.network);
        if (name.size() > end.size() && name.ends_with(end)) {
            all.push_back({.name = name.substr(0, name.size() - end.size()), .network = membership.network});
        }
    }
    return all;
}

// The first network that has it, so that addresses are those of one network.
Decision find_forward(const View& view, const Query& query, Answer& answer) {
    bool known = false;
    for (const auto& candidate : candidates(view, query.name)) {
        for (const auto& membership : view.networks) {
            if (!candidate.network.empty() && membership.network != candidate.network) continue;
            if (membership.zone->runs(candidate.name)) {
                if (query.type == Type::a)
                    answer.addresses = membership.zone->find(candidate.name, Address::Family::v4);
                if (query.type == Type::aaaa)
                    answer.addresses = membership.zone->find(candidate.name, Address::Family::v6);
                return Decision::answer;
            }
            known = known || membership.zone->knows(candidate.name);
        }
    }
    const bool addresses = query.type == Type::a || query.type == Type::aaaa;
    if (!known && (!addresses || query.name.empty() || query.name.contains('.'))) return Decision::forward;
    answer.code = Code::no_such_name;
    return Decision::answer;
}

Decision find_reverse(const View& view, const Address& address, Answer& answer) {
    bool ours = false;
    for (const auto& membership : view.networks) {
        if (auto name = membership.zone->name_of(address); !name.empty()) {
            answer.names = {name + "." + membership.network};
            return Decision::answer;
        }
        ours = ours || membership.zone->contains(address);
    }
    if (!ours) return Decision::forward;
    answer.code = Code::no_such_name;
    return Decision::answer;
}

}  // namespace

bool Range::contains(const Address& address) const noexcept {
    if (address.family != base.family) return false;
    for (unsigned bit = 0; bit < prefix && bit < base.size() * 8; bit += 8) {
        const unsigned mask = prefix - bit >= 8 ? 0xffU : 0xffU << (8 - (prefix - bit)) & 0xffU;
        if (((address.bytes[bit / 8] ^ base.bytes[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

void Zone::put(const std::string& owner, const std::vector<std::string>& names, std::vector<Address> addresses) {
    remove(owner);
    Owner& entry = owners_[owner];
    entry.addresses = std::move(addresses);
    for (const auto& name : names) {
        auto lower = to_lower(name);
        if (lower.empty() || !names_[lower].insert(owner).second) continue;
        entry.names.push_back(std::move(lower));
    }
    for (const auto& address : entry.addresses) addresses_[address] = owner;
}

void Zone::remove(const std::string& owner) {
    const auto entry = owners_.extract(owner);
    if (!entry) return;
    for (const auto& name : entry.mapped().names) {
        const auto place = names_.find(name);
        place->second.erase(owner);
        if (place->second.empty()) names_.erase(place);
    }
    for (const auto& address : entry.mapped().addresses) {
        const auto place = addresses_.find(address);
        if (place != addresses_.end() && place->second == owner) addresses_.erase(place);
    }
}

bool Zone::runs(const std::string& name) const {
    const auto place = names_.find(name);
    return place != names_.end() && std::ranges::any_of(place->second, [&](const std::string& owner) {
               return !owners_.at(owner).addresses.empty();
           });
}

std::vector<Address> Zone::find(const std::string& name, Address::Family family) {
    std::vector<Address> found;
    const auto place = names_.find(name);
    if (place == names_.end()) return found;
    for (const auto& owner : place->second) {
        for (const auto& address : owners_.at(owner).addresses) {
            if (address.family == family) found.push_back(address);
        }
    }
    if (found.size() > 1)
        std::ranges::rotate(found, found.begin() + static_cast<std::ptrdiff_t>(turn_++ % found.size()));
    return found;
}

std::string Zone::name_of(const Address& address) const {
    const auto place = addresses_.find(address);
    if (place == addresses_.end()) return {};
    const auto& names = owners_.at(place->second).names;
    return names.empty() ? std::string() : names.front();
}

bool Zone::contains(const Address& address) const {
    return std::ranges::any_of(ranges_, [&](const Range& range) { return range.contains(address); });
}

Decision decide(const View& view, const Query& query, Answer& answer) {
    constexpr std::uint16_t kInternet = 1;
    if (!query.printable || query.of_class != kInternet) return Decision::forward;
    if (query.type == Type::ptr) {
        if (const auto address = parse_reverse(query.name)) return find_reverse(view, *address, answer);
    }
    return find_forward(view, query, answer);
}

}  // namespace diatom::dns
