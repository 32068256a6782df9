// Links, addresses, routes and rules of the machine as the kernel has them, and how they are changed. What is made here
// carries a mark: the protocol number kOurs on addresses (Linux 5.18), routes and rules (4.17), the alias kAlias on
// links; by it, it is known again after the service was killed. Thread side: one thread at a time; each call is one
// exchange with the kernel. Errors name the thing and carry the kernel's text.
// Source: rtnetlink(7); include/uapi/linux/{if_link,if_addr,rtnetlink,fib_rules}.h of Linux 6.12.
#pragma once

#include "net/netlink.h"
#include "uplink/wanted.h"

namespace diatom::uplink {

inline constexpr std::uint8_t kOurs = 209;
inline constexpr const char* kAlias = "made by the configuration (network)";

struct KernelAddress {
    int index = 0;
    WantedAddress is;
    std::uint8_t protocol = 0;
    bool permanent = false;
    bool link_scope = false;
    bool settled = true;  // false: it is not known yet whether another has it
};

struct KernelRoute {
    WantedRoute is;
    int index = 0;  // of the link; 0: none
    std::uint8_t protocol = 0;
    std::uint8_t scope = 0;
};

struct KernelRule {
    WantedRule is;
    std::uint8_t protocol = 0;
};

class Kernel {
public:
    // `sys`: where sysfs is; what it says of drivers and bonds is that of the machine's namespace.
    static Result<Kernel> open(std::string sys = "/sys");

    Result<std::vector<Present>> links();
    Result<std::vector<KernelAddress>> addresses();
    Result<std::vector<KernelRoute>> routes();  // of all tables but the kernel's own
    Result<std::vector<KernelRule>> rules();

    // Down, with our mark. `lower`: the index of what a VLAN is of.
    Result<void> make(const WantedLink& link, int lower);
    Result<void> remove_link(int index);
    Result<void> set_up(int index, bool up);
    Result<void> set_master(int index, int master);  // 0: of none
    Result<void> set_mtu(int index, unsigned mtu);
    Result<void> set_mac(int index, const net::Mac& mac);
    Result<void> set_bridge(int index, const Bridge& bridge);

    Result<void> add_address(int index, const WantedAddress& address);
    Result<void> remove_address(int index, const WantedAddress& address);
    Result<void> add_route(int index, const WantedRoute& route);
    Result<void> remove_route(const KernelRoute& route);
    Result<void> add_rule(const WantedRule& rule);
    Result<void> remove_rule(const KernelRule& rule);

    // /proc/sys/net/ipv6/conf/NAME/accept_ra; nothing where there is no IPv6.
    static std::optional<std::string> accept_ra(const std::string& name);
    static Result<void> set_accept_ra(const std::string& name, std::string_view value);
    // An option of a bond by its name below /sys/class/net/BOND/bonding.
    std::string bond_option(const std::string& bond, const std::string& name) const;
    Result<void> set_bond_option(const std::string& bond, const std::string& name, const std::string& value) const;

private:
    Kernel(net::NetlinkSocket socket, std::string sys) : socket_(std::move(socket)), sys_(std::move(sys)) {}
    void read_sysfs(Present& link) const;

    net::NetlinkSocket socket_;
    std::string sys_;
};

}  // namespace diatom::uplink
