// Network on the kernel of this machine. See network.h for the contract, ruleset.h for the table.
//
// What the table should hold is kept in memory and is the truth: a change goes into memory and to the kernel as one
// batch; a batch that the kernel refuses because the table is gone or differs is answered by writing all of it anew.
// open() keeps the elements that it finds, so that published ports go on working while a restarted engine publishes
// them again; restore() then drops those that nobody claimed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "net/elements.h"
#include "net/links.h"
#include "net/netlink.h"
#include "net/network.h"
#include "net/table_watch.h"

namespace diatom::net {

class LinuxNetwork final : public Network {
public:
    static Result<std::unique_ptr<LinuxNetwork>> open(const std::string& table);

    Result<void> ensure_bridge(const BridgeSpec& bridge) override;
    Result<void> remove_bridge(const std::string& name) override;
    Result<std::string> attach(const BridgeSpec& bridge, const EndpointSpec& endpoint, FdRef netns) override;
    Result<void> detach(const std::string& container, const std::string& interface) override;
    Result<void> loopback_up(FdRef netns) override;
    Result<void> ensure_parent(const ChildSpec& spec) override;
    Result<void> remove_parent(const ChildSpec& spec) override;
    Result<std::string> attach_child(const ChildSpec& spec, const EndpointSpec& endpoint, FdRef netns) override;
    Result<void> detach_child(const std::string& interface, FdRef netns) override;
    Result<void> set_default_routes(const std::vector<DefaultRoute>& routes, FdRef netns) override;
    Result<PublishedPort> reserve(const PortMapping& wanted) override;
    Result<void> publish(const std::string& container, const std::vector<PortMapping>& mappings,
                         const std::vector<Address>& targets) override;
    Result<void> unpublish(const std::string& container) override;
    Result<void> restore() override;
    Result<bool> table_present() override;
    Result<Fd> watch() override;
    Result<bool> repair() override;
    Result<Findings> check(const std::vector<EndpointName>& endpoints) override;
    Result<void> remove_strays(const std::vector<EndpointName>& endpoints) override;
    Result<bool> is_attached(const EndpointName& endpoint) override;

    std::uint64_t nft_messages() const noexcept { return nft_.sent(); }  // for tests

private:
    struct Publication {
        Elements elements;
        std::set<std::uint16_t> datagram_ports;  // of the host
    };
    LinuxNetwork(std::string table, Links links, NetlinkSocket nft);

    Result<void> ensure_link(const BridgeSpec& bridge);
    Result<void> ensure_addresses(const BridgeSpec& bridge, const Link& link);
    Result<Link> make_veth(const BridgeSpec& bridge, const EndpointSpec& endpoint, const Mac& mac, FdRef netns);
    Result<std::string> free_name(const EndpointSpec& endpoint);
    // Replaces elements by others in one batch; writes the whole table when the kernel's differs from what we think.
    Result<void> exchange(const Elements& old, const Elements& fresh);
    std::vector<Address> routed_of(const std::vector<Address>& targets) const;
    Result<void> check_owners(const std::string& container, const Elements& elements) const;
    Result<void> open_loopback(const std::vector<PortMapping>& mappings, const std::vector<Address>& targets);
    void forget_owners(const Elements& elements);
    Elements all_elements() const;
    // How `ip link` shows that we made an interface, and may remove it.
    std::string our_alias() const { return table_ + " network"; }
    // Ours by its name, its alias and the bridge that it is on.
    bool is_our_pair(const Link& link, const std::vector<Link>& links) const;
    void check_pairs(const std::vector<Link>& links, const std::vector<EndpointName>& endpoints, Findings& findings);
    void check_bridges(const std::vector<Link>& links, Findings& findings);
    Result<void> check_table(Findings& findings);

    std::string table_;
    Links links_;
    NetlinkSocket nft_;
    std::optional<TableWatch> watch_;
    bool differs_ = false;  // the table from what is kept here, as far as we know
    std::map<std::string, BridgeSpec> bridges_;
    std::map<std::string, Publication> published_;
    std::unordered_map<std::string, std::string> owners_;  // set and key -> container
    std::set<std::string> loopback_;                       // bridges with route_localnet
    std::set<std::string> parents_;                        // of networks without a bridge
    std::uint16_t next_port_ = 0;
};

}  // namespace diatom::net
