#include "net/reservation.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "net/port.h"
#include "sys/file.h"

namespace diatom::net {
namespace {

// Where and what to bind. The protocol number makes SCTP a SOCK_STREAM socket like TCP.
struct Endpoint {
    Address address;  // all zero: any
    std::uint16_t port = 0;
    Protocol protocol = Protocol::tcp;
};

int protocol_number(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp: return IPPROTO_TCP;
        case Protocol::udp: return IPPROTO_UDP;
        case Protocol::sctp: return IPPROTO_SCTP;
    }
    return IPPROTO_TCP;
}

int bind_endpoint(FdRef socket, const Endpoint& at) {
    if (at.address.family() == Address::Family::v4) {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(at.port);
        std::memcpy(&name.sin_addr, at.address.bytes(), at.address.size());
        return ::bind(socket.raw(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    }
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(at.port);
    std::memcpy(&name.sin6_addr, at.address.bytes(), at.address.size());
    return ::bind(socket.raw(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

std::string shown(const Endpoint& at) {
    return at.address.family() == Address::Family::v6 ? std::format("[{}]:{}", at.address.text(), at.port)
                                                      : std::format("{}:{}", at.address.text(), at.port);
}

Result<Fd> hold(const Endpoint& at) {
    const int family = at.address.family() == Address::Family::v4 ? AF_INET : AF_INET6;
    const int type = at.protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    Fd socket(::socket(family, type | SOCK_CLOEXEC, protocol_number(at.protocol)));
    if (!socket) {
        // A kernel without the protocol has no other program that could take the port.
        if (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT || errno == ESOCKTNOSUPPORT) return Fd();
        return fail_errno(errno, "open a socket for port {}/{}", at.port, protocol_name(at.protocol));
    }
    const int on = 1;
    const int least = 0;
    if (family == AF_INET6) ::setsockopt(socket.raw(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // Datagrams that no rule translates end up here: as few as the kernel allows.
    ::setsockopt(socket.raw(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    if (bind_endpoint(socket, at) == 0) return socket;
    if (errno == EADDRINUSE) {
        return Failure(
            Error(Kind::conflict, std::format("Bind for {} failed: port is already allocated", shown(at)), EADDRINUSE));
    }
    if (errno == EADDRNOTAVAIL) {
        return Failure(
            Error(Kind::invalid,
                  std::format("Bind for {} failed: this host has no such address (`ip address` lists them)", shown(at)),
                  EADDRNOTAVAIL));
    }
    return fail_errno(errno, "Bind for {} failed", shown(at));
}

const Address kAny4 = Address::v4(0);
const Address kAny6 = Address::v6({});

}  // namespace

PortRange ephemeral_range() {
    const PortRange fallback;
    const auto text = sys::read_file("/proc/sys/net/ipv4/ip_local_port_range");
    if (!text) return fallback;
    const auto words = split_words(*text);
    if (words.size() != 2) return fallback;
    const auto first = parse_uint(words[0]);
    const auto last = parse_uint(words[1]);
    if (!first || !last || *first == 0 || *last > 65535 || *first > *last) return fallback;
    return {.first = static_cast<std::uint16_t>(*first), .last = static_cast<std::uint16_t>(*last)};
}

Result<PublishedPort> reserve_port(const PortMapping& wanted) {
    PublishedPort port{.mapping = wanted, .reservation = Fd(), .reservation6 = Fd()};
    const auto at = [&](const Address& address) {
        return Endpoint{.address = address, .port = wanted.host_port, .protocol = wanted.protocol};
    };
    if (wanted.host.family() != Address::Family::v6) {
        port.reservation = TRY(hold(at(wanted.host.empty() ? kAny4 : wanted.host)));
    }
    if (wanted.host.family() != Address::Family::v4) {
        port.reservation6 = TRY(hold(at(wanted.host.empty() ? kAny6 : wanted.host)));
    }
    return port;
}

Result<PublishedPort> reserve_ephemeral(const PortMapping& wanted, const PortRange& range, std::uint16_t& next) {
    const unsigned count = range.last - range.first + 1U;
    for (unsigned i = 0; i < count; ++i) {
        PortMapping candidate = wanted;
        candidate.host_port = next < range.first || next > range.last ? range.first : next;
        next = candidate.host_port == range.last ? range.first : static_cast<std::uint16_t>(candidate.host_port + 1);
        auto port = reserve_port(candidate);
        if (port || port.error().kind() != Kind::conflict) return port;
    }
    return fail(Kind::exhausted,
                "all ports from {} to {} are allocated: publish a chosen port, or widen "
                "net.ipv4.ip_local_port_range",
                range.first, range.last);
}

}  // namespace diatom::net
