#include "uplink/reconcile.h"

#include <algorithm>
#include <cerrno>
#include <format>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::uplink {
namespace {

class Reconciler {
public:
    Reconciler(Kernel& kernel, const Wanted& wanted, Memory& memory)
        : kernel_(kernel), wanted_(wanted), memory_(memory) {}

    Result<Reconciled> run() {
        TRY(look());
        remove_links();
        TRY(look());
        make_links();
        TRY(look());
        for (const auto& link : wanted_.links) set_link(link);
        give_back();
        TRY(look());
        TRY(change_addresses());
        TRY(change_routes());
        TRY(change_rules());
        return std::move(done_);
    }

private:
    Result<void> look() {
        present_ = TRY(kernel_.links());
        return {};
    }

    Present* find(const std::string& name) {
        const auto found = std::ranges::find(present_, name, &Present::name);
        return found == present_.end() ? nullptr : &*found;
    }
    int index_of(const std::string& name) {
        const auto* link = find(name);
        return link == nullptr ? 0 : link->index;
    }
    std::string name_of(int index) const {
        const auto found = std::ranges::find(present_, index, &Present::index);
        return found == present_.end() ? std::to_string(index) : found->name;
    }

    bool did(const std::string& name, const Result<void>& result) {
        if (result) ++done_.changes;
        else done_.problems.push_back(std::format("{}: {}", name, result.error().what()));
        return result.has_value();
    }

    // What cannot be changed in a link that is there.
    bool is_as_made(const Present& link, const WantedLink& wanted) {
        if (wanted.bond) return link.kind == "bond" && link.bond_mode == wanted.bond->mode;
        if (wanted.bridge) return link.kind == "bridge";
        return wanted.vlan && link.kind == "vlan" && link.vlan == wanted.vlan->id &&
               link.lower == index_of(wanted.vlan->link);
    }

    void remove_links() {
        for (const auto& link : present_) {
            if (link.alias != kAlias) continue;
            const auto* wanted = wanted_.find(link.name);
            if (wanted == nullptr || !is_as_made(link, *wanted)) did(link.name, kernel_.remove_link(link.index));
        }
    }

    void make_links() {
        for (const auto& link : wanted_.links) {
            if (!link.is_made()) continue;
            if (const auto* there = find(link.name)) {
                if (there->alias != kAlias)
                    done_.problems.push_back(std::format(
                        "{}: a link of this name is there, and was not made by the configuration", link.name));
                continue;
            }
            const int lower = link.vlan ? index_of(link.vlan->link) : 0;
            if (link.vlan && lower == 0) continue;
            if (!did(link.name, kernel_.make(link, lower))) continue;
            if (link.bond) set_options(link);
            // What comes next in the order may be made of it.
            if (auto seen = look(); !seen) return;
        }
    }

    void set_options(const WantedLink& link) {
        for (const auto& [name, value] : link.bond->options) {
            // "layer2+3 2": the name and the number of what is chosen.
            const auto now = kernel_.bond_option(link.name, name);
            const auto words = split_words(now);
            if (name == "arp_ip_target") {
                set_targets(link, words, value);
            } else if (now != value && !std::ranges::contains(words, std::string_view(value))) {
                set_option(link, name, value);
            }
        }
    }

    // Targets are added and taken away one by one.
    void set_targets(const WantedLink& link, const std::vector<std::string_view>& now, const std::string& value) {
        const auto wanted = split(value, ',');
        for (const auto target : wanted) {
            if (!std::ranges::contains(now, target)) set_option(link, "arp_ip_target", std::format("+{}", target));
        }
        for (const auto target : now) {
            if (!std::ranges::contains(wanted, target)) set_option(link, "arp_ip_target", std::format("-{}", target));
        }
    }

    // Some are taken only by a bond that is down.
    void set_option(const WantedLink& link, const std::string& name, const std::string& value) {
        auto set = kernel_.set_bond_option(link.name, name, value);
        const auto* bond = find(link.name);
        if (!set && bond != nullptr && bond->up && kernel_.set_up(bond->index, false)) {
            set = kernel_.set_bond_option(link.name, name, value);
            did(link.name, kernel_.set_up(bond->index, true));
        }
        did(link.name, set);
    }

    void set_link(const WantedLink& wanted) {
        auto* link = find(wanted.name);
        if (link == nullptr || (wanted.is_made() && link->alias != kAlias)) return;
        if (!wanted.key.empty()) {
            set_mac(wanted, *link);
            set_mtu(wanted, *link);
            set_router(wanted);
        }
        if (wanted.bridge && (link->stp != wanted.bridge->stp ||
                              link->forward_delay != wanted.bridge->forward_delay.value_or(link->forward_delay)))
            did(wanted.name, kernel_.set_bridge(link->index, *wanted.bridge));
        set_master(wanted, *link);
        if (!link->up) did(wanted.name, kernel_.set_up(link->index, true));
        if (wanted.bond) set_options(wanted);
    }

    void set_mac(const WantedLink& wanted, Present& link) {
        const auto* master = wanted.master.empty() ? nullptr : wanted_.find(wanted.master);
        if (!wanted.mac || link.mac == *wanted.mac || (master != nullptr && master->bond)) return;
        const auto before = net::format_mac(link.mac);
        auto set = kernel_.set_mac(link.index, *wanted.mac);
        if (!set && set.error().error_number() == EBUSY && kernel_.set_up(link.index, false)) {
            link.up = false;
            set = kernel_.set_mac(link.index, *wanted.mac);
        }
        if (did(wanted.name, set) && !wanted.is_made()) memory_.mac.emplace(wanted.name, before);
    }

    void set_mtu(const WantedLink& wanted, const Present& link) {
        if (!wanted.mtu || link.mtu == *wanted.mtu) return;
        if (did(wanted.name, kernel_.set_mtu(link.index, *wanted.mtu)) && !wanted.is_made())
            memory_.mtu.emplace(wanted.name, link.mtu);
    }

    // Where nobody asks routers, the kernel does not listen to them either; it makes the address of the link itself
    // then, which dhcpcd does otherwise.
    void set_router(const WantedLink& wanted) {
        const auto now = Kernel::accept_ra(wanted.name);
        if (wanted.asks.six() || !now) return;
        if (*now != "0" && did(wanted.name, Kernel::set_accept_ra(wanted.name, "0")))
            memory_.accept_ra.emplace(wanted.name, *now);
        const auto mode = std::format("/proc/sys/net/ipv6/conf/{}/addr_gen_mode", wanted.name);
        if (wanted.master.empty() && trim(sys::read_file(mode, 16).value_or("0")) != "0")
            did(wanted.name, sys::write_control(mode, "0"));
    }

    void set_master(const WantedLink& wanted, Present& link) {
        const int master = wanted.master.empty() ? 0 : index_of(wanted.master);
        if (link.master == master || (master == 0 && !wanted.master.empty())) return;
        if (link.master != 0) {
            const auto* now = find(name_of(link.master));
            if (now == nullptr || now->alias != kAlias) {
                done_.problems.push_back(
                    std::format("{}: is a member of {} already", wanted.name, name_of(link.master)));
                return;
            }
        }
        const auto* group = wanted_.find(wanted.master);
        if (group != nullptr && find(group->name)->alias != kAlias) return;  // which is said where it is to be made
        // A bond takes only what is down, and brings it up itself.
        if (group != nullptr && group->bond && link.up && did(wanted.name, kernel_.set_up(link.index, false)))
            link.up = false;
        if (!did(wanted.name, kernel_.set_master(link.index, master))) return;
        if (group != nullptr && group->bond) link.up = true;
    }

    template <class T, class Set>
    void give_back(std::map<std::string, T>& before, const auto& is_said, Set set) {
        std::erase_if(before, [&](const auto& entry) {
            const auto* wanted = wanted_.find(entry.first);
            if (wanted != nullptr && !wanted->key.empty() && is_said(*wanted)) return false;
            const int index = index_of(entry.first);
            if (index != 0) did(entry.first, set(index, entry.first, entry.second));
            return true;
        });
    }

    void give_back() {
        give_back(
            memory_.mtu, [](const WantedLink& link) { return link.mtu.has_value(); },
            [&](int index, const std::string&, unsigned mtu) { return kernel_.set_mtu(index, mtu); });
        give_back(
            memory_.mac, [](const WantedLink& link) { return link.mac.has_value(); },
            [&](int index, const std::string&, const std::string& text) -> Result<void> {
                return kernel_.set_mac(index, TRY(net::parse_mac(text)));
            });
        give_back(
            memory_.accept_ra, [](const WantedLink& link) { return !link.asks.six(); },
            [](int, const std::string& name, const std::string& value) { return Kernel::set_accept_ra(name, value); });
        // A member whose bond is gone is nobody's, and up no more; one whose bridge stays leaves it.
        for (auto& link : present_) {
            if (link.master == 0 || wanted_.find(link.name) != nullptr) continue;
            const auto* master = find(name_of(link.master));
            if (master != nullptr && master->alias == kAlias && link.hardware)
                did(link.name, kernel_.set_master(link.index, 0));
        }
    }

    Result<void> change_addresses() {
        for (int round = 0; round < 2; ++round) {
            const auto there = TRY(kernel_.addresses());
            const auto changes = address_changes(wanted_, present_, memory_.asked, there);
            for (const auto& [index, address] : changes.add) did(name_of(index), kernel_.add_address(index, address));
            for (const auto& [index, address] : changes.remove)
                did(name_of(index), kernel_.remove_address(index, address));
            // With the first address of a network the kernel takes the others of the same away.
            if (changes.remove.empty()) break;
        }
        return {};
    }

    Result<void> change_routes() {
        const auto changes = route_changes(wanted_, present_, memory_.asked, TRY(kernel_.routes()));
        for (const auto& route : changes.remove) did(name_of(route.index), kernel_.remove_route(route));
        for (const auto& [index, route] : changes.add) did(name_of(index), kernel_.add_route(index, route));
        return {};
    }

    Result<void> change_rules() {
        const auto changes = rule_changes(wanted_, TRY(kernel_.rules()));
        for (const auto& rule : changes.remove) did("rules", kernel_.remove_rule(rule));
        for (const auto& rule : changes.add) did("rules", kernel_.add_rule(rule));
        return {};
    }

    Kernel& kernel_;
    const Wanted& wanted_;
    Memory& memory_;
    std::vector<Present> present_;
    Reconciled done_;
};

}  // namespace

Result<Reconciled> reconcile(Kernel& kernel, const Wanted& wanted, Memory& memory) {
    return Reconciler(kernel, wanted, memory).run();
}

}  // namespace diatom::uplink
