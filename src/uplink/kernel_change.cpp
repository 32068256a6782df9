// How it is changed.
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <format>

#include "uplink/kernel.h"

namespace diatom::uplink {
namespace {

using net::Address;
using net::Request;

constexpr std::uint16_t kCreate = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

std::uint8_t family_of(const Address& address) { return address.family() == Address::Family::v4 ? AF_INET : AF_INET6; }

Request link_request(int index, unsigned flags = 0, unsigned change = 0) {
    ifinfomsg header{};
    header.ifi_index = index;
    header.ifi_flags = flags;
    header.ifi_change = change;
    Request request(RTM_NEWLINK, NLM_F_ACK);
    request.header(header);
    return request;
}

void put_bridge(Request& request, const Bridge& bridge) {
    request.put_u32(IFLA_BR_STP_STATE, bridge.stp ? 1 : 0);
    if (bridge.forward_delay) request.put_u32(IFLA_BR_FORWARD_DELAY, *bridge.forward_delay);
}

Address broadcast_of(const WantedAddress& address) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8U | address.address.bytes()[i];
    return Address::v4(value | (address.prefix == 0 ? ~0U : (1U << (32 - address.prefix)) - 1));
}

Request address_request(std::uint16_t type, std::uint16_t flags, int index, const WantedAddress& address) {
    ifaddrmsg header{};
    header.ifa_family = family_of(address.address);
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
    header.ifa_index = static_cast<std::uint32_t>(index);
    Request request(type, flags);
    request.header(header).put_address(IFA_LOCAL, address.address).put_address(IFA_ADDRESS, address.address);
    return request;
}

std::string text_of(const WantedAddress& address) {
    return std::format("{}/{}", address.address.text(), address.prefix);
}

bool is_of_link(std::uint8_t kind) { return kind == RTN_UNICAST; }

// What the kernel compares when it looks for the one to remove, too.
Request route_request(std::uint16_t type, std::uint16_t flags, int index, const WantedRoute& route, std::uint8_t scope,
                      std::uint8_t protocol) {
    rtmsg header{};
    header.rtm_family = family_of(route.to.base);
    header.rtm_dst_len = static_cast<std::uint8_t>(route.to.prefix);
    header.rtm_table = route.table < 256 ? static_cast<std::uint8_t>(route.table) : std::uint8_t{RT_TABLE_UNSPEC};
    header.rtm_protocol = protocol;
    header.rtm_type = route.kind;
    header.rtm_scope = scope;
    if (route.on_link) header.rtm_flags |= RTNH_F_ONLINK;
    Request request(type, flags);
    request.header(header).put_u32(RTA_TABLE, route.table);
    if (route.to.prefix > 0) request.put_address(RTA_DST, route.to.base);
    if (index != 0 && is_of_link(route.kind)) request.put_u32(RTA_OIF, static_cast<std::uint32_t>(index));
    if (!route.via.empty()) request.put_address(RTA_GATEWAY, route.via);
    if (!route.from.empty()) request.put_address(RTA_PREFSRC, route.from);
    if (route.metric != 0) request.put_u32(RTA_PRIORITY, route.metric);
    return request;
}

std::string text_of(const WantedRoute& route) {
    return std::format("{}{}", route.to.prefix == 0 ? "default" : route.to.text(),
                       route.via.empty() ? "" : " by " + route.via.text());
}

Request rule_request(std::uint16_t type, std::uint16_t flags, const WantedRule& rule) {
    fib_rule_hdr header{};
    header.family = rule.family == Address::Family::v4 ? AF_INET : AF_INET6;
    header.action = FR_ACT_TO_TBL;
    header.table = rule.table < 256 ? static_cast<std::uint8_t>(rule.table) : std::uint8_t{RT_TABLE_UNSPEC};
    header.src_len = static_cast<std::uint8_t>(rule.from.prefix);
    header.dst_len = static_cast<std::uint8_t>(rule.to.prefix);
    Request request(type, flags);
    request.header(header).put_u32(FRA_TABLE, rule.table);
    if (!rule.from.base.empty()) request.put_address(FRA_SRC, rule.from.base);
    if (!rule.to.base.empty()) request.put_address(FRA_DST, rule.to.base);
    if (rule.mark != 0) request.put_u32(FRA_FWMARK, rule.mark);
    if (rule.priority) request.put_u32(FRA_PRIORITY, *rule.priority);
    request.put_u8(FRA_PROTOCOL, kOurs);
    return request;
}

// What is gone already is no error.
Result<void> unless_gone(Result<void> done) {
    if (done) return done;
    const auto error = done.error().error_number();
    const bool gone = error == ESRCH || error == EADDRNOTAVAIL || error == ENODEV || error == ENOENT;
    return gone ? Result<void>() : done;
}

}  // namespace

Result<void> Kernel::make(const WantedLink& link, int lower) {
    Request request(RTM_NEWLINK, kCreate);
    request.header(ifinfomsg{}).put_text(IFLA_IFNAME, link.name);
    if (link.mac) request.put(IFLA_ADDRESS, link.mac->data(), link.mac->size());
    if (link.vlan) request.put_u32(IFLA_LINK, static_cast<std::uint32_t>(lower));
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, link.bond ? "bond" : link.bridge ? "bridge" : "vlan");
    const auto data = request.nest(IFLA_INFO_DATA);
    if (link.bond) request.put_u8(IFLA_BOND_MODE, link.bond->mode);
    if (link.bridge) put_bridge(request, *link.bridge);
    if (link.vlan) request.put_u16(IFLA_VLAN_ID, link.vlan->id);
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "make {} {}", link.bond ? "bond" : link.bridge ? "bridge" : "VLAN", link.name);
    // Of a link that is being made, the kernel takes no alias.
    auto mark = link_request(0);
    mark.put_text(IFLA_IFNAME, link.name).put(IFLA_IFALIAS, kAlias, std::string_view(kAlias).size());
    TRY(socket_.call(mark), "mark {} as ours", link.name);
    return {};
}

Result<void> Kernel::remove_link(int index) {
    Request request(RTM_DELLINK, NLM_F_ACK);
    ifinfomsg header{};
    header.ifi_index = index;
    request.header(header);
    TRY(unless_gone(socket_.call(request)), "remove link {}", index);
    return {};
}

Result<void> Kernel::set_up(int index, bool up) {
    auto request = link_request(index, up ? IFF_UP : 0, IFF_UP);
    TRY(socket_.call(request), "bring link {} {}", index, up ? "up" : "down");
    return {};
}

Result<void> Kernel::set_master(int index, int master) {
    auto request = link_request(index);
    request.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(master));
    TRY(socket_.call(request), "make it a member of link {}", master);
    return {};
}

Result<void> Kernel::set_mtu(int index, unsigned mtu) {
    auto request = link_request(index);
    request.put_u32(IFLA_MTU, mtu);
    TRY(socket_.call(request), "set MTU {}", mtu);
    return {};
}

Result<void> Kernel::set_mac(int index, const net::Mac& mac) {
    auto request = link_request(index);
    request.put(IFLA_ADDRESS, mac.data(), mac.size());
    TRY(socket_.call(request), "set hardware address {}", net::format_mac(mac));
    return {};
}

Result<void> Kernel::set_bridge(int index, const Bridge& bridge) {
    auto request = link_request(index);
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "bridge");
    const auto data = request.nest(IFLA_INFO_DATA);
    put_bridge(request, bridge);
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "set the bridge's spanning tree");
    return {};
}

Result<void> Kernel::add_address(int index, const WantedAddress& address) {
    auto request = address_request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, index, address);
    request.put_u8(IFA_PROTO, kOurs);
    if (address.address.family() == Address::Family::v4 && address.prefix < 31)
        request.put_address(IFA_BROADCAST, broadcast_of(address));
    TRY(socket_.call(request), "add address {}", text_of(address));
    return {};
}

Result<void> Kernel::remove_address(int index, const WantedAddress& address) {
    auto request = address_request(RTM_DELADDR, NLM_F_ACK, index, address);
    TRY(unless_gone(socket_.call(request)), "remove address {}", text_of(address));
    return {};
}

Result<void> Kernel::add_route(int index, const WantedRoute& route) {
    const bool four = route.to.base.family() == Address::Family::v4;
    const bool near = route.via.empty() && is_of_link(route.kind);
    auto request =
        route_request(RTM_NEWROUTE, kCreate, index, route, four && near ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, kOurs);
    if (route.mtu != 0) {
        const auto metrics = request.nest(RTA_METRICS);
        request.put_u32(RTAX_MTU, route.mtu);
        request.end(metrics);
    }
    TRY(socket_.call(request), "add route {}", text_of(route));
    return {};
}

Result<void> Kernel::remove_route(const KernelRoute& route) {
    auto request = route_request(RTM_DELROUTE, NLM_F_ACK, route.index, route.is, route.scope, route.protocol);
    TRY(unless_gone(socket_.call(request)), "remove route {}", text_of(route.is));
    return {};
}

Result<void> Kernel::add_rule(const WantedRule& rule) {
    auto request = rule_request(RTM_NEWRULE, kCreate, rule);
    TRY(socket_.call(request), "add the rule that leads to table {}", rule.table);
    return {};
}

Result<void> Kernel::remove_rule(const KernelRule& rule) {
    auto request = rule_request(RTM_DELRULE, NLM_F_ACK, rule.is);
    TRY(unless_gone(socket_.call(request)), "remove the rule that leads to table {}", rule.is.table);
    return {};
}

}  // namespace diatom::uplink
