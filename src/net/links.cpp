#include "net/links.h"

#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/strings.h"
#include "net/attributes.h"

namespace diatom::net {
namespace {

constexpr std::uint16_t kCreate = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

std::string_view text_of(const nlattr& attribute) {
    const std::string_view raw(static_cast<const char*>(mnl_attr_get_payload(&attribute)),
                               mnl_attr_get_payload_len(&attribute));
    return raw.substr(0, raw.find('\0'));
}

Link parse_link(const nlmsghdr& message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    Link link;
    link.index = header->ifi_index;
    link.up = (header->ifi_flags & IFF_UP) != 0;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
        switch (mnl_attr_get_type(&attribute)) {
            case IFLA_IFNAME: link.name = text_of(attribute); break;
            case IFLA_IFALIAS: link.alias = text_of(attribute); break;
            case IFLA_MTU: link.mtu = mnl_attr_get_u32(&attribute); break;
            case IFLA_ADDRESS:
                if (mnl_attr_get_payload_len(&attribute) == link.mac.size()) {
                    std::memcpy(link.mac.data(), mnl_attr_get_payload(&attribute), link.mac.size());
                }
                break;
            case IFLA_LINKINFO:
                for_each_nested(attribute, [&](const nlattr& inner) {
                    if (mnl_attr_get_type(&inner) == IFLA_INFO_KIND) link.kind = text_of(inner);
                });
                break;
            default: break;
        }
    });
    return link;
}

Request link_request(std::uint16_t type, std::uint16_t flags, int index, unsigned link_flags = 0) {
    ifinfomsg header{};
    header.ifi_index = index;
    header.ifi_flags = header.ifi_change = link_flags;
    Request request(type, flags);
    request.header(header);
    return request;
}

struct ChildMode {
    bool macvlan = false;
    std::uint32_t number = 0;
};
ChildMode child_mode(ChildSpec::Kind kind) {
    using enum ChildSpec::Kind;
    switch (kind) {
        case macvlan_bridge: return {.macvlan = true, .number = MACVLAN_MODE_BRIDGE};
        case macvlan_private: return {.macvlan = true, .number = MACVLAN_MODE_PRIVATE};
        case macvlan_vepa: return {.macvlan = true, .number = MACVLAN_MODE_VEPA};
        case macvlan_passthru: return {.macvlan = true, .number = MACVLAN_MODE_PASSTHRU};
        case ipvlan_l2: return {.macvlan = false, .number = IPVLAN_MODE_L2};
        case ipvlan_l3: return {.macvlan = false, .number = IPVLAN_MODE_L3};
        case ipvlan_l3s: return {.macvlan = false, .number = IPVLAN_MODE_L3S};
    }
    return {};
}

}  // namespace

Result<Mac> parse_mac(std::string_view text) {
    const auto parts = split(text, ':');
    Mac mac{};
    bool good = parts.size() == mac.size();
    for (std::size_t i = 0; good && i < mac.size(); ++i) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value, 16);
        good = error == std::errc() && end == parts[i].data() + parts[i].size() && parts[i].size() == 2;
        mac[i] = static_cast<std::uint8_t>(value);
    }
    if (!good || (mac[0] & 1U) != 0) {
        return fail(Kind::invalid, "\"{}\" is not a MAC address of one interface: write it as 02:42:ac:11:00:02", text);
    }
    return mac;
}

std::string format_mac(const Mac& mac) {
    return std::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

Result<Links> Links::open() { return Links(TRY(NetlinkSocket::open(NETLINK_ROUTE))); }

Result<std::optional<Link>> Links::find(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ) {
        return fail(Kind::invalid, "interface name \"{}\" must have 1 to {} bytes", name, IFNAMSIZ - 1);
    }
    Request request = link_request(RTM_GETLINK, 0, 0);
    request.put_text(IFLA_IFNAME, name);
    std::optional<Link> found;
    auto result = socket_.query(request, [&](const nlmsghdr& message) { found = parse_link(message); });
    if (!result && result.error().error_number() == ENODEV) return std::nullopt;
    TRY(std::move(result), "look up interface {}", name);
    return found;
}

Result<Link> Links::get(const std::string& name) {
    auto link = TRY(find(name));
    if (!link) return fail(Kind::not_found, "interface {} does not exist", name);
    return *std::move(link);
}

Result<void> Links::add_bridge(const std::string& name, const Mac& mac, unsigned mtu) {
    Request request = link_request(RTM_NEWLINK, kCreate, 0);
    request.put_text(IFLA_IFNAME, name).put_u32(IFLA_MTU, mtu).put(IFLA_ADDRESS, mac.data(), mac.size());
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "bridge");
    request.end(info);
    TRY(socket_.call(request), "create bridge {}", name);
    return {};
}

Result<void> Links::add_veth(const Veth& veth) {
    Request request = link_request(RTM_NEWLINK, kCreate, 0, IFF_UP);
    request.put_text(IFLA_IFNAME, veth.host_name)
        .put_u32(IFLA_MTU, veth.mtu)
        .put_u32(IFLA_MASTER, static_cast<std::uint32_t>(veth.bridge_index));
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "veth");
    const auto data = request.nest(IFLA_INFO_DATA);
    const auto peer = request.nest(VETH_INFO_PEER);
    const ifinfomsg peer_header{};
    request.append(&peer_header, sizeof peer_header);
    request.put_text(IFLA_IFNAME, veth.name)
        .put_u32(IFLA_MTU, veth.mtu)
        .put(IFLA_ADDRESS, veth.mac.data(), veth.mac.size())
        .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(veth.netns.raw()));
    request.end(peer);
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "create veth pair {} and {}", veth.host_name, veth.name);
    return {};
}

Result<void> Links::add_dummy(const std::string& name) {
    Request request = link_request(RTM_NEWLINK, kCreate, 0);
    request.put_text(IFLA_IFNAME, name);
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "dummy");
    request.end(info);
    TRY(socket_.call(request), "create dummy interface {}", name);
    return {};
}

Result<void> Links::add_vlan(const std::string& name, int parent, std::uint16_t id) {
    Request request = link_request(RTM_NEWLINK, kCreate, 0);
    request.put_text(IFLA_IFNAME, name).put_u32(IFLA_LINK, static_cast<std::uint32_t>(parent));
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "vlan");
    const auto data = request.nest(IFLA_INFO_DATA);
    request.put_u16(IFLA_VLAN_ID, id);
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "create VLAN interface {}", name);
    return {};
}

Result<void> Links::add_child(const Child& child) {
    Request request = link_request(RTM_NEWLINK, kCreate, 0);
    request.put_text(IFLA_IFNAME, child.name)
        .put_u32(IFLA_LINK, static_cast<std::uint32_t>(child.parent))
        .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(child.netns.raw()));
    if (child.mac) request.put(IFLA_ADDRESS, child.mac->data(), child.mac->size());
    if (child.mtu != 0) request.put_u32(IFLA_MTU, child.mtu);
    const auto mode = child_mode(child.kind);
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, mode.macvlan ? "macvlan" : "ipvlan");
    const auto data = request.nest(IFLA_INFO_DATA);
    if (mode.macvlan) request.put_u32(IFLA_MACVLAN_MODE, mode.number);
    else request.put_u16(IFLA_IPVLAN_MODE, static_cast<std::uint16_t>(mode.number));
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "create interface {} on interface {}", child.name, child.parent);
    return {};
}

Result<void> Links::remove(const std::string& name) {
    Request request = link_request(RTM_DELLINK, NLM_F_ACK, 0);
    request.put_text(IFLA_IFNAME, name);
    auto result = socket_.call(request);
    if (!result && result.error().error_number() == ENODEV) return {};
    TRY(std::move(result), "remove interface {}", name);
    return {};
}

Result<void> Links::set_up(int index) {
    Request request = link_request(RTM_NEWLINK, NLM_F_ACK, index, IFF_UP);
    TRY(socket_.call(request), "bring interface {} up", index);
    return {};
}

Result<void> Links::settle(const std::string& name) {
    // Asking for the link state is what makes the kernel bring it up to date (ethtool_op_get_link, Linux 4.14).
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno(errno, "open a socket");
    ethtool_value value{.cmd = ETHTOOL_GLINK, .data = 0};
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (::ioctl(socket.raw(), SIOCETHTOOL, &request) != 0)
        return fail_errno(errno, "ask for the link state of {}", name);
    return {};
}

Result<void> Links::set_mtu(int index, unsigned mtu) {
    Request request = link_request(RTM_NEWLINK, NLM_F_ACK, index);
    request.put_u32(IFLA_MTU, mtu);
    TRY(socket_.call(request), "set MTU {} of interface {}", mtu, index);
    return {};
}

Result<void> Links::set_alias(int index, const std::string& alias) {
    Request request = link_request(RTM_NEWLINK, NLM_F_ACK, index);
    request.put(IFLA_IFALIAS, alias.data(), alias.size());
    TRY(socket_.call(request), "name the owner of interface {}", index);
    return {};
}

Result<void> Links::set_port(int index, Isolation isolation) {
    Request request = link_request(RTM_NEWLINK, NLM_F_ACK, index);
    const auto info = request.nest(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = request.nest(IFLA_INFO_SLAVE_DATA);
    request.put_u8(IFLA_BRPORT_ISOLATED, isolation == Isolation::isolated ? 1 : 0).put_u8(IFLA_BRPORT_MODE, 1);
    request.end(data);
    request.end(info);
    TRY(socket_.call(request), "configure bridge port {}", index);
    return {};
}

Result<void> Links::set_route_localnet(int index) {
    Request request = link_request(RTM_NEWLINK, NLM_F_ACK, index);
    const auto families = request.nest(IFLA_AF_SPEC);
    const auto inet = request.nest(AF_INET);
    const auto configuration = request.nest(IFLA_INET_CONF);
    request.put_u32(IPV4_DEVCONF_ROUTE_LOCALNET, 1);
    request.end(configuration);
    request.end(inet);
    request.end(families);
    TRY(socket_.call(request), "let interface {} carry traffic from 127.0.0.1", index);
    return {};
}

}  // namespace diatom::net
