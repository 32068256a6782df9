// The Internet half of Links: addresses and routes.
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/attributes.h"
#include "net/links.h"

namespace diatom::net {
namespace {

std::uint8_t family_of(const Address& address) { return address.family() == Address::Family::v4 ? AF_INET : AF_INET6; }

Address address_of(const nlattr& attribute) {
    const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(&attribute));
    if (mnl_attr_get_payload_len(&attribute) == 4) {
        return Address::v4(std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                           std::uint32_t{bytes[2]} << 8U | bytes[3]);
    }
    std::array<std::uint8_t, 16> copy{};
    if (mnl_attr_get_payload_len(&attribute) != copy.size()) return {};
    std::memcpy(copy.data(), bytes, copy.size());
    return Address::v6(copy);
}

Address broadcast_of(const Address& address, unsigned prefix) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), address.bytes(), bytes.size());
    std::uint32_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return Address::v4(value | (prefix == 0 ? ~0U : (1U << (32 - prefix)) - 1));
}

rtmsg default_route(Address::Family family, std::uint8_t scope) {
    rtmsg header{};
    header.rtm_family = family == Address::Family::v4 ? AF_INET : AF_INET6;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = family == Address::Family::v4 ? scope : std::uint8_t{RT_SCOPE_UNIVERSE};  // IPv6 has none
    header.rtm_type = RTN_UNICAST;
    return header;
}

}  // namespace

Result<std::vector<InterfaceAddress>> Links::addresses() {
    Request request(RTM_GETADDR, NLM_F_DUMP);
    request.header(ifaddrmsg{});
    std::vector<InterfaceAddress> found;
    TRY(socket_.query(request,
                      [&](const nlmsghdr& message) {
                          const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
                          InterfaceAddress entry{.index = static_cast<int>(header->ifa_index),
                                                 .address = {},
                                                 .prefix = header->ifa_prefixlen};
                          for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
                              const auto type = mnl_attr_get_type(&attribute);
                              // On a point-to-point link IFA_ADDRESS is the peer's.
                              if (type == IFA_LOCAL || (type == IFA_ADDRESS && entry.address.empty())) {
                                  entry.address = address_of(attribute);
                              }
                          });
                          if (!entry.address.empty()) found.push_back(entry);
                      }),
        "list the addresses of this host");
    return found;
}

Result<void> Links::add_address(int index, const Address& address, unsigned prefix) {
    ifaddrmsg header{};
    header.ifa_family = family_of(address);
    header.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
    header.ifa_index = static_cast<std::uint32_t>(index);
    header.ifa_flags = address.family() == Address::Family::v6 ? IFA_F_NODAD : 0;
    Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    request.header(header).put_address(IFA_LOCAL, address).put_address(IFA_ADDRESS, address);
    if (address.family() == Address::Family::v4 && prefix < 31) {
        request.put_address(IFA_BROADCAST, broadcast_of(address, prefix));
    }
    TRY(socket_.call(request), "add address {}/{} to interface {}", address.text(), prefix, index);
    return {};
}

Result<void> Links::add_default_route(int index, Address::Family family, const Address& gateway) {
    Request request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    request.header(default_route(family, gateway.empty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE));
    if (!gateway.empty()) request.put_address(RTA_GATEWAY, gateway);
    request.put_u32(RTA_OIF, static_cast<std::uint32_t>(index));
    TRY(socket_.call(request), "add the default route by {}", gateway.empty() ? "the interface" : gateway.text());
    return {};
}

Result<void> Links::remove_default_route(Address::Family family) {
    Request request(RTM_DELROUTE, NLM_F_ACK);
    request.header(default_route(family, RT_SCOPE_NOWHERE));  // of any scope
    auto result = socket_.call(request);
    if (!result && result.error().error_number() == ESRCH) return {};
    TRY(std::move(result), "remove the default route");
    return {};
}

Result<std::vector<Subnet>> Links::routes() {
    Request request(RTM_GETROUTE, NLM_F_DUMP);
    request.header(rtmsg{});
    std::vector<Subnet> found;
    TRY(socket_.query(request,
                      [&](const nlmsghdr& message) {
                          const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
                          if (header->rtm_type != RTN_UNICAST || header->rtm_dst_len == 0) return;
                          for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
                              if (mnl_attr_get_type(&attribute) != RTA_DST) return;
                              found.push_back({.base = address_of(attribute), .prefix = header->rtm_dst_len});
                          });
                      }),
        "list the routes of this host");
    return found;
}

}  // namespace diatom::net
