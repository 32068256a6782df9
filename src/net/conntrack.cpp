#include "net/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "net/attributes.h"

namespace diatom::net {
namespace {

Request conntrack_request(std::uint16_t type, std::uint16_t flags, std::uint8_t family) {
    nfgenmsg header{};
    header.nfgen_family = family;
    header.version = NFNETLINK_V0;
    Request request(static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8U | type), flags);
    request.header(header);
    return request;
}

// ENOENT: gone meanwhile. EINVAL: no ctnetlink.
Result<void> unless_absent(Result<void> result) {
    if (result) return result;
    const int error = result.error().error_number();
    if (error == ENOENT || error == EINVAL) return {};
    return result;
}

struct Flow {
    std::uint8_t family = 0;
    std::string tuple;  // the payload of CTA_TUPLE_ORIG
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;  // destination
    std::uint32_t status = 0;
};

void parse_tuple(const nlattr& tuple, Flow& flow) {
    flow.tuple.assign(static_cast<const char*>(mnl_attr_get_payload(&tuple)), mnl_attr_get_payload_len(&tuple));
    for_each_nested(tuple, [&](const nlattr& part) {
        if (mnl_attr_get_type(&part) != CTA_TUPLE_PROTO) return;
        for_each_nested(part, [&](const nlattr& field) {
            if (mnl_attr_get_type(&field) == CTA_PROTO_NUM) flow.protocol = mnl_attr_get_u8(&field);
            if (mnl_attr_get_type(&field) == CTA_PROTO_DST_PORT) flow.port = ntohs(mnl_attr_get_u16(&field));
        });
    });
}

Flow parse_flow(const nlmsghdr& message) {
    Flow flow;
    flow.family = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family;
    for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == CTA_TUPLE_ORIG) parse_tuple(attribute, flow);
        if (mnl_attr_get_type(&attribute) == CTA_STATUS) flow.status = ntohl(mnl_attr_get_u32(&attribute));
    });
    return flow;
}

}  // namespace

Result<void> forget_flows(NetlinkSocket& socket, const std::set<std::uint16_t>& ports, Translated which) {
    Request list = conntrack_request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
    std::vector<Flow> found;
    const auto collect = [&](const nlmsghdr& message) {
        Flow flow = parse_flow(message);
        // Flows of containers to the same port of the world are masqueraded: their answers are still awaited.
        const bool wanted = which == Translated::destination ? (flow.status & IPS_DST_NAT) != 0
                                                             : (flow.status & (IPS_DST_NAT | IPS_SRC_NAT)) == 0;
        if (wanted && flow.protocol == IPPROTO_UDP && ports.contains(flow.port)) found.push_back(std::move(flow));
    };
    TRY(unless_absent(socket.query(list, collect)), "list the flows to published ports");
    for (const auto& flow : found) {
        Request request = conntrack_request(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, flow.family);
        request.put(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.tuple.data(), flow.tuple.size());
        TRY(unless_absent(socket.call(request)), "forget a flow to port {}", flow.port);
    }
    return {};
}

}  // namespace diatom::net
