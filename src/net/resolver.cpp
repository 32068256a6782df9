#include "net/resolver.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/namespace.h"
#include "net/nft_batch.h"

namespace diatom::net {
namespace {

constexpr const char* kTable = "diatom-dns";
constexpr std::uint16_t kDomainPort = 53;
constexpr int kBacklog = 64;

struct Bound {
    Fd fd;
    std::uint16_t port = 0;
};

Result<Bound> bind_resolver(int type) {
    Bound bound{.fd = Fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
    if (!bound.fd) return fail_errno(errno, "open a socket for name resolution");
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, kResolverAddress, &name.sin_addr);
    socklen_t size = sizeof name;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    if (::bind(bound.fd.raw(), address, size) != 0 || ::getsockname(bound.fd.raw(), address, &size) != 0)
        return fail_errno(errno, "bind {}", kResolverAddress);
    if (type == SOCK_STREAM && ::listen(bound.fd.raw(), kBacklog) != 0)
        return fail_errno(errno, "listen on {}", kResolverAddress);
    bound.port = ntohs(name.sin_port);
    return bound;
}

// The kernel adds a second table of the same name to nothing, and deletes one that is missing to an error: so add,
// delete, add.
Result<void> exchange_ports(std::uint16_t udp, std::uint16_t tcp) {
    auto socket = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
    NftBatch batch(socket, kTable);
    batch.add_table("");
    batch.delete_table();
    batch.add_table("names for containers");
    batch.add_chain({.name = "output",
                     .comment = "127.0.0.11:53 is the engine",
                     .type = "filter",
                     .hook = NF_INET_LOCAL_OUT,
                     .priority = NF_IP_PRI_RAW});
    in_addr resolver{};
    ::inet_pton(AF_INET, kResolverAddress, &resolver);
    for (const auto& [protocol, port] :
         {std::pair<std::uint8_t, std::uint16_t>{IPPROTO_UDP, udp}, {IPPROTO_TCP, tcp}}) {
        NftRule query(kTable, "output", ""), answer(kTable, "output", "");
        query.destination4(resolver.s_addr)
            .destination_port(protocol, kDomainPort)
            .set_destination_port(protocol, port);
        answer.source4(resolver.s_addr).source_port(protocol, port).set_source_port(protocol, kDomainPort);
        batch.add_rule(query);
        batch.add_rule(answer);
    }
    return batch.commit();
}

}  // namespace

Result<ResolverSockets> open_resolver(FdRef netns) {
    ResolverSockets sockets;
    TRY(run_in_namespace(netns,
                         [&]() -> Result<void> {
                             auto udp = TRY(bind_resolver(SOCK_DGRAM));
                             auto tcp = TRY(bind_resolver(SOCK_STREAM));
                             TRY(exchange_ports(udp.port, tcp.port));
                             sockets = {.udp = std::move(udp.fd), .tcp = std::move(tcp.fd)};
                             return {};
                         }),
        "answer names for a container");
    return sockets;
}

Result<Fd> open_socket_in(FdRef netns, int family, int type) {
    Fd socket;
    TRY(run_in_namespace(netns, [&]() -> Result<void> {
        socket = Fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return socket ? Result<void>() : fail_errno(errno, "open a socket in a container's network");
    }));
    return socket;
}

}  // namespace diatom::net
