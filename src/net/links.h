// Links, addresses and routes of the namespace that the object was opened in, by rtnetlink. Thread side: one thread at
// a time; one netlink round trip a call. Errors name the interface and carry the kernel's text. Source: rtnetlink(7),
// include/uapi/linux/if_link.h of Linux 6.12.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/netlink.h"
#include "net/network.h"

namespace diatom::net {

using Mac = std::array<std::uint8_t, 6>;
Result<Mac> parse_mac(std::string_view text);  // "02:42:ac:11:00:02"; multicast addresses are refused
std::string format_mac(const Mac& mac);

struct Link {
    int index = 0;
    std::string name, alias;
    std::string kind;  // "bridge", "veth", …; empty for hardware
    Mac mac{};
    unsigned mtu = 0;
    bool up = false;
};

struct InterfaceAddress {
    int index = 0;
    Address address;
    unsigned prefix = 0;
};

struct Veth {
    std::string host_name;
    int bridge_index = 0;
    std::string name;  // inside the namespace
    Mac mac{};         // of the end inside
    unsigned mtu = 0;
    FdRef netns = FdRef();
};

// A macvlan or ipvlan interface, born in its namespace, down.
struct Child {
    std::string name;  // inside the namespace
    int parent = 0;
    ChildSpec::Kind kind = ChildSpec::Kind::macvlan_bridge;
    std::optional<Mac> mac;  // ipvlan: the parent's
    unsigned mtu = 0;        // 0: the parent's
    FdRef netns = FdRef();
};

enum class Isolation : std::uint8_t { none, isolated };

class Links {
public:
    static Result<Links> open();

    Result<std::optional<Link>> find(const std::string& name);
    Result<Link> get(const std::string& name);  // not_found
    Result<void> add_bridge(const std::string& name, const Mac& mac, unsigned mtu);
    // Both ends in one request: the inner one is born in its namespace, down; the outer one up and on the bridge.
    Result<void> add_veth(const Veth& veth);
    Result<void> add_dummy(const std::string& name);
    Result<void> add_vlan(const std::string& name, int parent, std::uint16_t id);
    Result<void> add_child(const Child& child);
    Result<void> remove(const std::string& name);  // a missing link is no error

    Result<void> set_up(int index);
    // Makes a change of carrier effective now. The kernel does so from a work queue (linkwatch), until when the queue
    // of the end that was up first, and the bridge port over it, drop packets: the first SYN would be repeated a second
    // later.
    Result<void> settle(const std::string& name);
    Result<void> set_mtu(int index, unsigned mtu);
    // Names the owner for `ip link` and for us after a restart (ifalias, at most 255 bytes).
    Result<void> set_alias(int index, const std::string& alias);
    // A port of a bridge. Isolated ports reach the bridge but not one another (IFLA_BRPORT_ISOLATED, Linux 4.18).
    // Hairpin: frames may leave by the port that they came from, which a container needs that connects to its own
    // published port where br_netfilter translates addresses within the bridge.
    Result<void> set_port(int index, Isolation isolation);
    // net.ipv4.conf.INTERFACE.route_localnet by rtnetlink, which works where /proc/sys is read-only.
    Result<void> set_route_localnet(int index);

    Result<std::vector<InterfaceAddress>> addresses();  // of all interfaces
    // Usable at once: without duplicate address detection (RFC 4862), since the address pool gives each address once.
    Result<void> add_address(int index, const Address& address, unsigned prefix);  // one that exists is no error
    // In place of the one that is there. Without a gateway: straight to the interface.
    Result<void> add_default_route(int index, Address::Family family, const Address& gateway);
    Result<void> remove_default_route(Address::Family family);  // none is no error
    Result<std::vector<Subnet>> routes();                       // destinations of all unicast routes but default ones

    std::uint64_t sent() const noexcept { return socket_.sent(); }

private:
    explicit Links(NetlinkSocket socket) : socket_(std::move(socket)) {}
    NetlinkSocket socket_;
};

}  // namespace diatom::net
