#include "net/linux_network.h"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/attributes.h"
#include "net/conntrack.h"
#include "net/namespace.h"
#include "net/reservation.h"
#include "net/ruleset.h"

namespace diatom::net {
namespace {

std::string owner_key(const std::string& set, const NftElement& element) { return set + '/' + element.key; }

// Errors that mean "the table is not what we left there": gone, elements gone, or elements of an earlier engine in the
// way.
bool table_differs(const Error& error) {
    return error.error_number() == ENOENT || error.error_number() == EEXIST || error.error_number() == EBUSY ||
           error.error_number() == ENOTEMPTY;
}

std::set<std::uint16_t> datagram_ports(const std::vector<PortMapping>& mappings) {
    std::set<std::uint16_t> ports;
    for (const auto& mapping : mappings) {
        if (mapping.protocol == Protocol::udp && mapping.host_port != 0) ports.insert(mapping.host_port);
    }
    return ports;
}

bool reaches_loopback(const Address& host) {
    return host.empty() || host == Address::v4(0) || (host.family() == Address::Family::v4 && host.bytes()[0] == 127);
}

std::string_view rule_chain(const nlmsghdr& message) {
    std::string_view chain;
    for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == NFTA_RULE_CHAIN) chain = mnl_attr_get_str(&attribute);
    });
    return chain;
}

}  // namespace

Result<std::unique_ptr<Network>> Network::open(const std::string& table) { return TRY(LinuxNetwork::open(table)); }

LinuxNetwork::LinuxNetwork(std::string table, Links links, NetlinkSocket nft)
    : table_(std::move(table)), links_(std::move(links)), nft_(std::move(nft)) {}

Result<std::unique_ptr<LinuxNetwork>> LinuxNetwork::open(const std::string& table) {
    auto links = TRY(Links::open());
    auto nft = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
    std::unique_ptr<LinuxNetwork> network(new LinuxNetwork(table, std::move(links), std::move(nft)));
    NftBatch batch(network->nft_, table);
    put_ruleset(batch, table);
    TRY(batch.commit(),
        "set up nftables (the kernel needs NF_TABLES_INET, NFT_NAT, NFT_MASQ, NFT_CT and NFT_FIB_INET; a table of this "
        "name "
        "that is not ours goes with `nft delete table inet {}`)",
        table);
    return network;
}

Result<void> LinuxNetwork::loopback_up(FdRef netns) {
    return run_in_namespace(netns, []() -> Result<void> {
        Links links = TRY(Links::open());
        TRY(links.set_up(1), "bring loopback up");
        return {};
    });
}

Result<PublishedPort> LinuxNetwork::reserve(const PortMapping& wanted) {
    if (wanted.container_port == 0)
        return fail(Kind::invalid, "a published port needs the container's port, 1 to 65535");
    if (wanted.host_port != 0) return reserve_port(wanted);
    return reserve_ephemeral(wanted, ephemeral_range(), next_port_);
}

Result<void> LinuxNetwork::check_owners(const std::string& container, const Elements& elements) const {
    for (const auto& [set, list] : elements) {
        for (const auto& element : list) {
            const auto owner = owners_.find(owner_key(set, element));
            if (owner != owners_.end() && owner->second != container) {
                return fail(Kind::conflict, "port is already allocated: container {} publishes it", owner->second);
            }
        }
    }
    return {};
}

void LinuxNetwork::forget_owners(const Elements& elements) {
    for (const auto& [set, list] : elements) {
        for (const auto& element : list) owners_.erase(owner_key(set, element));
    }
}

Result<void> LinuxNetwork::open_loopback(const std::vector<PortMapping>& mappings,
                                         const std::vector<Address>& targets) {
    for (const auto& [name, bridge] : bridges_) {
        if (loopback_.contains(name)) continue;
        const auto on_bridge = [&](const Address& target) {
            return target.family() == Address::Family::v4 &&
                   std::ranges::any_of(bridge.pools, [&](const Pool& pool) { return pool.subnet.contains(target); });
        };
        if (std::ranges::none_of(targets, on_bridge)) continue;
        if (std::ranges::none_of(mappings, reaches_loopback, &PortMapping::host)) continue;
        TRY(links_.set_route_localnet(TRY(links_.get(name)).index));
        loopback_.insert(name);
    }
    return {};
}

std::vector<Address> LinuxNetwork::routed_of(const std::vector<Address>& targets) const {
    std::vector<Address> routed;
    for (const auto& target : targets) {
        for (const auto& [name, bridge] : bridges_) {
            const auto mode = target.family() == Address::Family::v4 ? bridge.mode4 : bridge.mode6;
            const auto holds = [&](const Pool& pool) { return pool.subnet.contains(target); };
            if (mode == GatewayMode::routed && std::ranges::any_of(bridge.pools, holds)) routed.push_back(target);
        }
    }
    return routed;
}

Result<void> LinuxNetwork::publish(const std::string& container, const std::vector<PortMapping>& mappings,
                                   const std::vector<Address>& targets) {
    auto fresh = TRY(elements_of(mappings, targets, routed_of(targets)), "publish ports of container {}", container);
    TRY(check_owners(container, fresh));
    TRY(open_loopback(mappings, targets));
    auto& entry = published_[container];
    auto old = std::exchange(entry, {.elements = std::move(fresh), .datagram_ports = datagram_ports(mappings)});
    auto result = exchange(difference(old.elements, entry.elements), difference(entry.elements, old.elements));
    if (!result) {
        entry = std::move(old);
        if (entry.elements.empty()) published_.erase(container);
        return result;
    }
    forget_owners(old.elements);
    for (const auto& [set, list] : entry.elements) {
        for (const auto& element : list) owners_[owner_key(set, element)] = container;
    }
    if (entry.datagram_ports.empty()) return {};
    return forget_flows(nft_, entry.datagram_ports, Translated::no);
}

Result<void> LinuxNetwork::unpublish(const std::string& container) {
    const auto entry = published_.find(container);
    if (entry == published_.end()) return {};
    const Publication old = std::move(entry->second);
    published_.erase(entry);
    forget_owners(old.elements);
    TRY(exchange(old.elements, {}), "unpublish ports of container {}", container);
    if (old.datagram_ports.empty()) return {};
    return forget_flows(nft_, old.datagram_ports, Translated::destination);
}

Result<void> LinuxNetwork::exchange(const Elements& old, const Elements& fresh) {
    NftBatch batch(nft_, table_);
    delete_elements(batch, old);
    add_elements(batch, fresh);
    auto result = batch.commit();
    if (!result && table_differs(result.error())) return restore();
    return result;
}

Elements LinuxNetwork::all_elements() const {
    Elements all;
    for (const auto& [name, bridge] : bridges_) merge_into(all, elements_of(bridge));
    for (const auto& [container, publication] : published_) merge_into(all, publication.elements);
    return all;
}

Result<void> LinuxNetwork::restore() {
    const Elements all = all_elements();
    NftBatch batch(nft_, table_);
    put_ruleset(batch, table_);
    for (const auto& set : ruleset_sets()) batch.flush_set(set.name);
    add_elements(batch, all);
    TRY(batch.commit(), "restore published ports and address translation");
    return {};
}

Result<Fd> LinuxNetwork::watch() {
    if (!watch_) watch_ = TRY(TableWatch::open(table_, TRY(nft_.port())));
    Fd copy(::fcntl(watch_->fd().raw(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return fail_errno(errno, "watch nftables");
    return copy;
}

Result<bool> LinuxNetwork::repair() {
    if (watch_ && TRY(watch_->changed())) differs_ = true;
    if (!differs_) return false;
    TRY(restore());
    differs_ = false;
    std::set<std::uint16_t> ports;
    for (const auto& [container, publication] : published_)
        ports.insert(publication.datagram_ports.begin(), publication.datagram_ports.end());
    if (!ports.empty()) TRY(forget_flows(nft_, ports, Translated::no));
    return true;
}

Result<bool> LinuxNetwork::table_present() {
    nfgenmsg header{};
    header.nfgen_family = NFPROTO_INET;
    header.version = NFNETLINK_V0;
    Request request(NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_GETRULE, NLM_F_DUMP);
    request.header(header).put_text(NFTA_RULE_TABLE, table_);
    std::size_t rules = 0;
    const auto count = [&](const nlmsghdr& message) {
        if (rule_chain(message) != kUserChain) ++rules;
    };
    auto result = nft_.query(request, count);
    if (!result && result.error().error_number() == ENOENT) return false;
    TRY(std::move(result), "list the rules of table inet {}", table_);
    return rules == ruleset_size();
}

}  // namespace diatom::net
