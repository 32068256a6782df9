// Bridges, links, addresses, address translation and published ports, by rtnetlink and nftables. Thread side: one
// thread at a time per Network. Calls block for a few netlink round trips, well under a millisecond on an idle machine;
// attach and detach longer, see there.
//
// nftables: one table "inet diatom", changed by one atomic batch per call. Published ports are elements of maps
// (proto . port -> address . port), so that the cost of one does not grow with the number of others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/finding.h"
#include "net/address.h"

namespace diatom::net {

struct Pool {
    Subnet subnet;
    Address gateway;                          // empty: none
    Subnet range;                             // what addresses are given from; without a base: the whole subnet
    std::map<std::string, Address> reserved;  // never given: name -> address of something else on the network
};

bool overlap(const Subnet& one, const Subnet& other);

// How the containers of a bridge meet the world, for each IP version. Docker's names.
enum class GatewayMode : std::uint8_t {
    nat,              // with this host's address, at which published ports are reached
    nat_unprotected,  // the same, and every port of theirs is reached at their own addresses
    routed,           // with their own addresses, at which published ports are reached
    isolated,         // not at all, nor do they meet this host: for internal bridges, which have no address then
};

struct BridgeSpec {
    std::string name;         // interface name, at most 15 bytes: "docker0", "br-0123456789ab"
    std::vector<Pool> pools;  // IPv4 and, where wanted, IPv6
    bool masquerade = true;
    bool internal = false;  // no way out
    bool isolate = false;   // no traffic between containers
    unsigned mtu = 1500;
    GatewayMode mode4 = GatewayMode::nat, mode6 = GatewayMode::nat;
};

struct EndpointSpec {
    std::string container;  // id: names the host side of the veth, veth + 7 digits of a hash
    std::string interface = "eth0";
    std::string mac;  // empty: derived from the IPv4 address, as Docker does (02:42:…)
    std::vector<Address> addresses;
    std::vector<Address> link_local;  // beside those, of no subnet of the network
    // Whether the container's default routes leave by this interface.
    bool default_route4 = true, default_route6 = true;
    std::map<std::string, std::string> sysctls;  // below /proc/sys/net: "ipv4/conf/eth0/log_martians" -> "1"
};

// An endpoint on a bridge, by what its veth pair is found by. `tolerated`: in the midst of a change, so that it may be
// there or not.
struct EndpointName {
    std::string container, interface;
    bool tolerated = false;
};

// A network without a bridge: interfaces of their own on a card of this host. Source:
// Documentation/networking/ipvlan.rst and include/uapi/linux/if_link.h of Linux 6.12.
struct ChildSpec {
    enum class Kind : std::uint8_t {
        macvlan_bridge,
        macvlan_private,
        macvlan_vepa,
        macvlan_passthru,
        ipvlan_l2,
        ipvlan_l3,
        ipvlan_l3s
    };
    Kind kind = Kind::macvlan_bridge;
    std::string parent;       // "eth0"; "eth0.10" is VLAN 10 of eth0, made where it is missing
    bool own_parent = false;  // a dummy interface of that name is made: containers reach one another only
    std::vector<Pool> pools;
    bool internal = false;
    unsigned mtu = 0;  // 0: the parent's
};

// A default route of a container. Without a gateway: straight to the interface.
struct DefaultRoute {
    Address::Family family = Address::Family::v4;
    std::string interface;  // empty: no default route of this family
    Address gateway;
    friend bool operator==(const DefaultRoute&, const DefaultRoute&) = default;
};

enum class Protocol : std::uint8_t { tcp, udp, sctp };
struct PortMapping {
    Protocol protocol = Protocol::tcp;
    Address host;                 // empty: every address, IPv4 and IPv6
    std::uint16_t host_port = 0;  // 0: pick a free one from the ephemeral range
    std::uint16_t container_port = 0;
    std::uint16_t host_port_last = 0;  // a range from host_port on, of which one is picked; 0: none
    friend bool operator==(const PortMapping&, const PortMapping&) = default;
};

// A published port and the socket that keeps other programs of this host from taking it.
struct PublishedPort {
    PortMapping mapping;  // with the port that was picked
    Fd reservation, reservation6;
};

// `table`: name of the nftables table, one per engine ("diatom").
class Network {
public:
    virtual ~Network() = default;
    static Result<std::unique_ptr<Network>> open(const std::string& table);

    virtual Result<void> ensure_bridge(const BridgeSpec& bridge) = 0;  // idempotent; repairs what differs
    virtual Result<void> remove_bridge(const std::string& name) = 0;
    // Makes the pair, moves one end into the namespace, sets addresses, routes, and brings loopback and it up. Returns
    // the MAC address inside. What an earlier, cut-off attach of the same container and interface left is replaced.
    virtual Result<std::string> attach(const BridgeSpec& bridge, const EndpointSpec& endpoint, FdRef netns) = 0;
    // Removes the pair; one that is gone is no error. The kernel waits for an RCU grace period meanwhile (5 to 30 ms):
    // a caller that cannot wait drops its last reference to the namespace instead, which removes the pair by itself.
    virtual Result<void> detach(const std::string& container, const std::string& interface) = 0;
    virtual Result<void> loopback_up(FdRef netns) = 0;

    // The same for networks without a bridge. A child is in the namespace only: it goes with it, or by detach_child().
    virtual Result<void> ensure_parent(const ChildSpec& spec) = 0;
    virtual Result<void> remove_parent(const ChildSpec& spec) = 0;  // what ensure_parent() made
    virtual Result<std::string> attach_child(const ChildSpec& spec, const EndpointSpec& endpoint, FdRef netns) = 0;
    virtual Result<void> detach_child(const std::string& interface, FdRef netns) = 0;
    // After the networks of a running container changed.
    virtual Result<void> set_default_routes(const std::vector<DefaultRoute>& routes, FdRef netns) = 0;

    // Reserves the port on the host. conflict: 'Bind for 0.0.0.0:8080 failed: port is already allocated'.
    virtual Result<PublishedPort> reserve(const PortMapping& wanted) = 0;
    // Installs all mappings of a container in one batch, in place of those that it had. conflict: another container has
    // one of the ports. On every address, each IP version that `targets` has; on one address, a target of its version.
    // Where the target's bridge is routed, the container's port is opened at the target itself.
    virtual Result<void> publish(const std::string& container, const std::vector<PortMapping>& mappings,
                                 const std::vector<Address>& targets) = 0;
    virtual Result<void> unpublish(const std::string& container) = 0;
    // Rebuilds the table from what this object knows, in one batch: when somebody flushed it, and at start once every
    // running container is published again. Until then ports of an engine that was restarted go on working.
    // The chain `user`, for the host's own rules, is kept (ruleset.h).
    virtual Result<void> restore() = 0;
    virtual Result<bool> table_present() = 0;  // false too when rules of it are missing
    // Readable when another program changed the table: then call repair(). The first call begins the watch.
    virtual Result<Fd> watch() = 0;
    // restore(), if another program changed the table since the last call or that one failed; whether it did.
    virtual Result<bool> repair() = 0;

    // Compares this host with what this object made and with `endpoints`, the bridge endpoints that there are:
    // interfaces, rules and elements that are missing, and those of ours that nobody knows.
    virtual Result<Findings> check(const std::vector<EndpointName>& endpoints) = 0;
    // Removes the pairs of ours that are none of `endpoints`: what an engine that was killed left half-way.
    virtual Result<void> remove_strays(const std::vector<EndpointName>& endpoints) = 0;
    virtual Result<bool> is_attached(const EndpointName& endpoint) = 0;
};

// Addresses of one subnet, lowest free first after the last one given (as Docker) and within the pool's range; gateway,
// reserved and broadcast addresses left out. An address that somebody asked for may lie outside the range.
class AddressPool {
public:
    explicit AddressPool(const Pool& pool);
    Result<Address> take();                     // exhausted when full
    Result<void> take(const Address& address);  // conflict when taken, invalid when outside
    void release(const Address& address);
    std::size_t in_use() const noexcept;
    const Pool& pool() const noexcept { return pool_; }

private:
    Pool pool_;
    std::vector<Address> used_;  // sorted; the reserved ones too
    std::uint64_t next_ = 0;
};

bool has_ipv6();  // whether this kernel has IPv6 at all

// The first subnet of Docker's default pools (172.17.0.0/16 … 172.31.0.0/16, 192.168.0.0/20 …) that overlaps none of
// `taken`, nor an address of this host.
Result<Subnet> choose_subnet(const std::vector<Subnet>& taken);
// A random unique local /64 (RFC 4193) that overlaps none of `taken`.
Result<Subnet> choose_subnet6(const std::vector<Subnet>& taken);

}  // namespace diatom::net
