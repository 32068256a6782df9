// What the kernel has.
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <format>

#include "base/strings.h"
#include "net/attributes.h"
#include "sys/file.h"
#include "uplink/kernel.h"

namespace diatom::uplink {
namespace {

using net::Address;
using net::for_each_attribute;
using net::for_each_nested;

constexpr std::size_t kMaxValue = 4096;  // of a file of sysfs

std::string text_of(const nlattr& attribute) {
    const std::string_view raw(static_cast<const char*>(mnl_attr_get_payload(&attribute)),
                               mnl_attr_get_payload_len(&attribute));
    return std::string(raw.substr(0, raw.find('\0')));
}

std::uint32_t number_of(const nlattr& attribute) {
    std::uint32_t number = 0;
    std::memcpy(&number, mnl_attr_get_payload(&attribute),
                std::min<std::size_t>(sizeof number, mnl_attr_get_payload_len(&attribute)));
    return number;
}

Address address_of(const nlattr& attribute) {
    const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(&attribute));
    const auto size = mnl_attr_get_payload_len(&attribute);
    if (size == 4)
        return Address::v4(std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                           std::uint32_t{bytes[2]} << 8U | bytes[3]);
    std::array<std::uint8_t, 16> copy{};
    if (size != copy.size()) return {};
    std::memcpy(copy.data(), bytes, copy.size());
    return Address::v6(copy);
}

void read_mac(const nlattr& attribute, net::Mac& mac) {
    if (mnl_attr_get_payload_len(&attribute) == mac.size())
        std::memcpy(mac.data(), mnl_attr_get_payload(&attribute), mac.size());
}

// The numbers of an attribute mean what the link's kind says.
void read_kind(const nlattr& info, Present& link) {
    for_each_nested(info, [&](const nlattr& inner) {
        if (mnl_attr_get_type(&inner) == IFLA_INFO_KIND) link.kind = text_of(inner);
        if (mnl_attr_get_type(&inner) != IFLA_INFO_DATA) return;
        for_each_nested(inner, [&](const nlattr& datum) {
            const auto type = mnl_attr_get_type(&datum);
            if (link.kind == "vlan" && type == IFLA_VLAN_ID) link.vlan = static_cast<std::uint16_t>(number_of(datum));
            if (link.kind == "bond" && type == IFLA_BOND_MODE)
                link.bond_mode = static_cast<std::uint8_t>(number_of(datum));
            if (link.kind == "bridge" && type == IFLA_BR_STP_STATE) link.stp = number_of(datum) != 0;
            if (link.kind == "bridge" && type == IFLA_BR_FORWARD_DELAY) link.forward_delay = number_of(datum);
        });
    });
}

Present read_link(const nlmsghdr& message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    Present link;
    link.index = header->ifi_index;
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.carrier = (header->ifi_flags & IFF_LOWER_UP) != 0;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
        switch (mnl_attr_get_type(&attribute)) {
            case IFLA_IFNAME: link.name = text_of(attribute); break;
            case IFLA_IFALIAS: link.alias = text_of(attribute); break;
            case IFLA_MTU: link.mtu = number_of(attribute); break;
            case IFLA_MASTER: link.master = static_cast<int>(number_of(attribute)); break;
            case IFLA_LINK: link.lower = static_cast<int>(number_of(attribute)); break;
            case IFLA_ADDRESS: read_mac(attribute, link.mac); break;
            case IFLA_PERM_ADDRESS: read_mac(attribute, link.own_mac); break;
            case IFLA_LINKINFO: read_kind(attribute, link); break;
            default: break;
        }
    });
    return link;
}

KernelAddress read_address(const nlmsghdr& message) {
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
    KernelAddress entry{.index = static_cast<int>(header->ifa_index),
                        .is = {.address = {}, .prefix = header->ifa_prefixlen}};
    std::uint32_t flags = header->ifa_flags;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
        const auto type = mnl_attr_get_type(&attribute);
        // On a point-to-point link IFA_ADDRESS is the peer's.
        if (type == IFA_LOCAL || (type == IFA_ADDRESS && entry.is.address.empty()))
            entry.is.address = address_of(attribute);
        if (type == IFA_FLAGS) flags = number_of(attribute);
        if (type == IFA_PROTO) entry.protocol = static_cast<std::uint8_t>(number_of(attribute));
    });
    entry.permanent = (flags & IFA_F_PERMANENT) != 0;
    entry.settled = (flags & IFA_F_TENTATIVE) == 0;
    entry.link_scope = header->ifa_scope == RT_SCOPE_LINK;
    return entry;
}

Address none_of(int family) { return family == AF_INET ? Address::v4(0) : Address::v6({}); }

std::optional<KernelRoute> read_route(const nlmsghdr& message) {
    const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
    if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return std::nullopt;
    if ((header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
    KernelRoute route;
    route.is.to = {none_of(header->rtm_family), header->rtm_dst_len};
    route.is.table = header->rtm_table;
    route.is.kind = header->rtm_type;
    route.is.on_link = (header->rtm_flags & RTNH_F_ONLINK) != 0;
    route.protocol = header->rtm_protocol;
    route.scope = header->rtm_scope;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
        switch (mnl_attr_get_type(&attribute)) {
            case RTA_DST: route.is.to.base = address_of(attribute); break;
            case RTA_OIF: route.index = static_cast<int>(number_of(attribute)); break;
            case RTA_GATEWAY: route.is.via = address_of(attribute); break;
            case RTA_PREFSRC: route.is.from = address_of(attribute); break;
            case RTA_PRIORITY: route.is.metric = number_of(attribute); break;
            case RTA_TABLE: route.is.table = number_of(attribute); break;
            case RTA_METRICS:
                for_each_nested(attribute, [&](const nlattr& metric) {
                    if (mnl_attr_get_type(&metric) == RTAX_MTU) route.is.mtu = number_of(metric);
                });
                break;
            default: break;
        }
    });
    if (route.is.table == RT_TABLE_LOCAL) return std::nullopt;
    return route;
}

std::optional<KernelRule> read_rule(const nlmsghdr& message) {
    const auto* header = static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(&message));
    if (header->family != AF_INET && header->family != AF_INET6) return std::nullopt;
    KernelRule rule;
    rule.is.family = header->family == AF_INET ? Address::Family::v4 : Address::Family::v6;
    rule.is.table = header->table;
    rule.is.priority = 0;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
        switch (mnl_attr_get_type(&attribute)) {
            case FRA_SRC: rule.is.from = {address_of(attribute), header->src_len}; break;
            case FRA_DST: rule.is.to = {address_of(attribute), header->dst_len}; break;
            case FRA_TABLE: rule.is.table = number_of(attribute); break;
            case FRA_PRIORITY: rule.is.priority = number_of(attribute); break;
            case FRA_FWMARK: rule.is.mark = number_of(attribute); break;
            case FRA_PROTOCOL: rule.protocol = static_cast<std::uint8_t>(number_of(attribute)); break;
            default: break;
        }
    });
    return rule;
}

}  // namespace

Result<Kernel> Kernel::open(std::string sys) {
    return Kernel(TRY(net::NetlinkSocket::open(NETLINK_ROUTE)), std::move(sys));
}

void Kernel::read_sysfs(Present& link) const {
    const auto directory = std::format("{}/class/net/{}", sys_, link.name);
    link.hardware = link.kind.empty() && sys::exists(directory + "/device");
    if (!link.hardware) return;
    const auto driver = sys::read_link(directory + "/device/driver").value_or("");
    link.driver = driver.substr(driver.rfind('/') + 1);
}

Result<std::vector<Present>> Kernel::links() {
    net::Request request(RTM_GETLINK, NLM_F_DUMP);
    request.header(ifinfomsg{});
    std::vector<Present> found;
    TRY(socket_.query(request, [&](const nlmsghdr& message) { found.push_back(read_link(message)); }),
        "list the links of this machine");
    for (auto& link : found) read_sysfs(link);
    return found;
}

Result<std::vector<KernelAddress>> Kernel::addresses() {
    net::Request request(RTM_GETADDR, NLM_F_DUMP);
    request.header(ifaddrmsg{});
    std::vector<KernelAddress> found;
    TRY(socket_.query(request,
                      [&](const nlmsghdr& message) {
                          if (auto entry = read_address(message); !entry.is.address.empty()) found.push_back(entry);
                      }),
        "list the addresses of this machine");
    return found;
}

Result<std::vector<KernelRoute>> Kernel::routes() {
    net::Request request(RTM_GETROUTE, NLM_F_DUMP);
    request.header(rtmsg{});
    std::vector<KernelRoute> found;
    TRY(socket_.query(request,
                      [&](const nlmsghdr& message) {
                          if (auto route = read_route(message)) found.push_back(*route);
                      }),
        "list the routes of this machine");
    return found;
}

Result<std::vector<KernelRule>> Kernel::rules() {
    net::Request request(RTM_GETRULE, NLM_F_DUMP);
    request.header(fib_rule_hdr{});
    std::vector<KernelRule> found;
    TRY(socket_.query(request,
                      [&](const nlmsghdr& message) {
                          if (auto rule = read_rule(message)) found.push_back(*rule);
                      }),
        "list the routing rules of this machine");
    return found;
}

std::optional<std::string> Kernel::accept_ra(const std::string& name) {
    const auto text = sys::read_file(std::format("/proc/sys/net/ipv6/conf/{}/accept_ra", name), kMaxValue);
    return text ? std::optional(std::string(trim(*text))) : std::nullopt;
}

Result<void> Kernel::set_accept_ra(const std::string& name, std::string_view value) {
    return sys::write_control(std::format("/proc/sys/net/ipv6/conf/{}/accept_ra", name), value);
}

std::string Kernel::bond_option(const std::string& bond, const std::string& name) const {
    const auto text = sys::read_file(std::format("{}/class/net/{}/bonding/{}", sys_, bond, name), kMaxValue);
    return std::string(trim(text.value_or("")));
}

Result<void> Kernel::set_bond_option(const std::string& bond, const std::string& name, const std::string& value) const {
    const auto file = std::format("{}/class/net/{}/bonding/{}", sys_, bond, name);
    if (name.contains('/') || !sys::exists(file)) return fail(Kind::invalid, "a bond has no option {}", name);
    TRY(sys::write_control(file, value), "set option {} of bond {} to {}", name, bond, value);
    return {};
}

}  // namespace diatom::uplink
