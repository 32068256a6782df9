#include "net/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>

namespace diatom::net {
namespace {

// CTA_FILTER_F_CTA_IP_SRC of net/netfilter/nf_conntrack_netlink.c (Linux 5.8): compare the tuple's source address.
constexpr std::uint32_t kCompareSource = 1U << 0U;

// The side of a connection that names the container as its source: its own connections in the original direction,
// those made to it in the direction of the reply.
Result<void> forget(NetlinkSocket& socket, const Address& container, std::uint16_t tuple, std::uint16_t flags) {
    const bool v4 = container.family() == Address::Family::v4;
    nfgenmsg header{};
    header.nfgen_family = v4 ? AF_INET : AF_INET6;
    header.version = NFNETLINK_V0;
    Request request(NFNL_SUBSYS_CTNETLINK << 8U | IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
    request.header(header);
    const auto outer = request.nest(tuple);
    const auto ip = request.nest(CTA_TUPLE_IP);
    request.put_address(v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, container);
    request.end(ip);
    request.end(outer);
    const auto filter = request.nest(CTA_FILTER);
    request.put_u32(flags, kCompareSource);
    request.end(filter);
    auto result = socket.call(request);
    // ENOENT: none matched. The others: no ctnetlink, or one without filters.
    if (!result && (result.error().error_number() == ENOENT || result.error().error_number() == EOPNOTSUPP)) return {};
    TRY(std::move(result), "forget the connections of {}", container.text());
    return {};
}

}  // namespace

Result<void> forget_connections(NetlinkSocket& socket, const Address& container) {
    TRY(forget(socket, container, CTA_TUPLE_REPLY, CTA_FILTER_REPLY_FLAGS));
    return forget(socket, container, CTA_TUPLE_ORIG, CTA_FILTER_ORIG_FLAGS);
}

}  // namespace diatom::net
