#include "uplink/link_watch.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

#include "net/attributes.h"
#include "sys/retry.h"

namespace diatom::uplink {
namespace {

constexpr std::size_t kReceiveBytes = 32U << 10U;  // the kernel packs notifications into a page or two

bool is_hardware(const nlmsghdr& message) {
    bool plain = true;
    net::for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == IFLA_LINKINFO) {
            net::for_each_nested(attribute, [&](const nlattr& inner) {
                if (mnl_attr_get_type(&inner) == IFLA_INFO_KIND) plain = false;
            });
        }
    });
    return plain;
}

bool concerns(const nlmsghdr& message, const std::set<int>& ours) {
    if (message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK) {
        if (mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg)) return false;
        const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
        // Of bridges' ports only the bridge's side is told, without what they are.
        return ours.contains(header->ifi_index) || (header->ifi_family == AF_UNSPEC && is_hardware(message));
    }
    if (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR) return false;
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(ifaddrmsg)) return false;
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
    return ours.contains(static_cast<int>(header->ifa_index));
}

}  // namespace

LinkWatch::LinkWatch(Fd fd) : fd_(std::move(fd)), buffer_(kReceiveBytes) {}

Result<LinkWatch> LinkWatch::open() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!socket) return fail_errno(errno, "open a socket for notifications of links");
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (::bind(socket.raw(), reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0)
        return fail_errno(errno, "ask for notifications of links");
    return LinkWatch(std::move(socket));
}

Result<bool> LinkWatch::changed(const std::set<int>& ours) {
    bool any = false;
    for (;;) {
        const auto size =
            sys::retry_interrupted([&] { return ::recv(fd_.raw(), buffer_.data(), buffer_.size(), MSG_TRUNC); });
        if (size < 0 && errno == EAGAIN) return any;
        if (size < 0 && errno != ENOBUFS) return fail_errno(errno, "read notifications of links");
        if (size < 0 || static_cast<std::size_t>(size) > buffer_.size()) {  // some are lost
            any = true;
            continue;
        }
        int left = static_cast<int>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            any = any || concerns(*message, ours);
        }
    }
}

}  // namespace diatom::uplink
