#include "net/table_watch.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "net/attributes.h"
#include "net/ruleset.h"
#include "sys/retry.h"

namespace diatom::net {
namespace {

// The kernel packs notifications into messages of at most a page or two.
constexpr std::size_t kReceiveBytes = 32U << 10U;

// All messages of a datagram are of one change, so of one sender. The filter's machine reads big endian.
Result<void> drop_own(FdRef socket, std::uint32_t own_port) {
    std::array<sock_filter, 4> code = {{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(nlmsghdr, nlmsg_pid)},
                                        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, ntohl(own_port)},
                                        {BPF_RET | BPF_K, 0, 0, 0},
                                        {BPF_RET | BPF_K, 0, 0, UINT32_MAX}}};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    if (::setsockopt(socket.raw(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return fail_errno(errno, "filter notifications of nftables");
    return {};
}

std::string_view text_of(const nlmsghdr& message, std::uint16_t attribute) {
    std::string_view text;
    for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr& entry) {
        if (mnl_attr_get_type(&entry) == attribute && mnl_attr_validate(&entry, MNL_TYPE_NUL_STRING) == 0)
            text = mnl_attr_get_str(&entry);
    });
    return text;
}

}  // namespace

TableWatch::TableWatch(std::string table, Fd fd)
    : table_(std::move(table)), fd_(std::move(fd)), buffer_(kReceiveBytes) {}

Result<TableWatch> TableWatch::open(std::string table, std::uint32_t own_port) {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
    if (!socket) return fail_errno(errno, "open a socket for notifications of nftables");
    TRY(drop_own(socket, own_port));
    // A socket without a port gets none of the notifications that are for everybody.
    sockaddr_nl any{};
    any.nl_family = AF_NETLINK;
    if (::bind(socket.raw(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
        return fail_errno(errno, "bind a socket for notifications of nftables");
    const int group = NFNLGRP_NFTABLES;
    if (::setsockopt(socket.raw(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
        return fail_errno(errno, "ask for notifications of nftables");
    return TableWatch(std::move(table), std::move(socket));
}

bool TableWatch::concerns_us(const nlmsghdr& message) const {
    if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return false;
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)) return false;
    if (static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family != NFPROTO_INET) return false;
    // Everything that is in a table names it in its first attribute.
    if (text_of(message, NFTA_TABLE_NAME) != table_) return false;
    switch (NFNL_MSG_TYPE(message.nlmsg_type)) {
        case NFT_MSG_NEWTABLE:
        case NFT_MSG_DELTABLE: return true;
        case NFT_MSG_NEWCHAIN:
        case NFT_MSG_DELCHAIN: return is_ruleset_chain(text_of(message, NFTA_CHAIN_NAME));
        case NFT_MSG_NEWRULE:
        case NFT_MSG_DELRULE: {
            const auto chain = text_of(message, NFTA_RULE_CHAIN);
            return chain != kUserChain && is_ruleset_chain(chain);
        }
        case NFT_MSG_NEWSET:
        case NFT_MSG_DELSET: return is_ruleset_set(text_of(message, NFTA_SET_NAME));
        case NFT_MSG_NEWSETELEM:
        case NFT_MSG_DELSETELEM: return is_ruleset_set(text_of(message, NFTA_SET_ELEM_LIST_SET));
        default: return false;
    }
}

Result<bool> TableWatch::changed() {
    bool ours = false;
    for (;;) {
        const auto size =
            sys::retry_interrupted([&] { return ::recv(fd_.raw(), buffer_.data(), buffer_.size(), MSG_TRUNC); });
        if (size < 0 && errno == EAGAIN) return ours;
        if (size < 0 && errno != ENOBUFS) return fail_errno(errno, "read notifications of nftables");
        if (size < 0 || static_cast<std::size_t>(size) > buffer_.size()) {  // some are lost
            ours = true;
            continue;
        }
        int left = static_cast<int>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            ours = ours || concerns_us(*message);
        }
    }
}

}  // namespace diatom::net
