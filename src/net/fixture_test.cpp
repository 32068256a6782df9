#include "net/fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "net/namespace.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::net::testing {
namespace {

constexpr int kPatienceMs = 20000;  // for what must happen
constexpr int kDropWaitMs = 250;    // for what must not

struct SocketName {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

SocketName name_of(const Address& address, std::uint16_t port) {
    SocketName name;
    if (address.family() == Address::Family::v4) {
        auto* four = reinterpret_cast<sockaddr_in*>(&name.bytes);
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        std::memcpy(&four->sin_addr, address.bytes(), 4);
        name.size = sizeof *four;
    } else {
        auto* six = reinterpret_cast<sockaddr_in6*>(&name.bytes);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        std::memcpy(&six->sin6_addr, address.bytes(), 16);
        name.size = sizeof *six;
    }
    return name;
}

Address address_of(const SocketName& name) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&name.bytes);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &six->sin6_addr, 16);
    if (!IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) return Address::v6(bytes);
    return Address::v4(std::uint32_t{bytes[12]} << 24U | std::uint32_t{bytes[13]} << 16U |
                       std::uint32_t{bytes[14]} << 8U | bytes[15]);
}

Result<void> wait_for(FdRef fd, short events, int wait_ms) {
    pollfd poll{.fd = fd.raw(), .events = events, .revents = 0};
    const int ready = ::poll(&poll, 1, wait_ms);
    if (ready == 0) return fail(Kind::timed_out, "nothing came");
    if (ready < 0) return fail_errno(errno, "poll");
    return {};
}

Result<void> connect_to(FdRef client, const Address& to, std::uint16_t port, int wait_ms) {
    auto name = name_of(to, port);
    if (::connect(client.raw(), name.get(), name.size) == 0) return {};
    if (errno != EINPROGRESS) return fail_errno(errno, "connect");
    TRY(wait_for(client, POLLOUT, wait_ms));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(client.raw(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail_errno(error, "connect");
    return {};
}

Result<void> expect_bytes(FdRef fd, int wait_ms) {
    TRY(wait_for(fd, POLLIN, wait_ms));
    char buffer[16] = {};
    const auto n = ::recv(fd.raw(), buffer, sizeof buffer, 0);
    if (n < 0) return fail_errno(errno, "receive");
    if (std::string_view(buffer, static_cast<std::size_t>(n)) != "diatom") return fail(Kind::corrupt, "wrong bytes");
    return {};
}

Result<Seen> talk_stream(FdRef client, Server& server, int wait_ms) {
    TRY(wait_for(server.socket, POLLIN, wait_ms), "accept");
    SocketName peer;
    peer.size = sizeof peer.bytes;
    const Fd accepted(::accept4(server.socket.raw(), peer.get(), &peer.size, SOCK_CLOEXEC));
    if (!accepted) return fail_errno(errno, "accept");
    if (::send(client.raw(), "diatom", 6, 0) != 6) return fail_errno(errno, "send");
    TRY(expect_bytes(accepted, wait_ms), "at the server");
    if (::send(accepted.raw(), "diatom", 6, 0) != 6) return fail_errno(errno, "send");
    TRY(expect_bytes(client, wait_ms), "at the client");
    return Seen{.client = address_of(peer)};
}

Result<Seen> talk_datagrams(FdRef client, Server& server, int wait_ms) {
    if (::send(client.raw(), "diatom", 6, 0) != 6) return fail_errno(errno, "send");
    TRY(wait_for(server.socket, POLLIN, wait_ms), "at the server");
    SocketName peer;
    peer.size = sizeof peer.bytes;
    char buffer[16] = {};
    if (::recvfrom(server.socket.raw(), buffer, sizeof buffer, 0, peer.get(), &peer.size) != 6)
        return fail_errno(errno, "receive");
    if (::sendto(server.socket.raw(), "diatom", 6, 0, peer.get(), peer.size) != 6)
        return fail_errno(errno, "send back");
    TRY(expect_bytes(client, wait_ms), "at the client");
    return Seen{.client = address_of(peer)};
}

Result<Fd> new_namespace() {
    Result<Fd> result = fail(Kind::bug, "not run");
    std::thread([&] {
        result = ::unshare(CLONE_NEWNET) == 0 ? sys::open_path("/proc/thread-self/ns/net", O_RDONLY)
                                              : Result<Fd>(fail_errno(errno, "unshare"));
    }).join();
    return result;
}

}  // namespace

Address ip(const char* text) { return *Address::parse(text); }

void HostTest::SetUp() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    in(kHost, [] { return Links::open()->set_up(1); });
    open_fds_ = *sys::count_open_fds();
}

void HostTest::TearDown() {
    if (open_fds_ == 0) return;
    network_.reset();
    namespaces_.clear();
    EXPECT_EQ(*sys::count_open_fds(), open_fds_) << "descriptors leak";
}

HostTest::Where HostTest::make_namespace() {
    auto made = new_namespace();
    EXPECT_TRUE(made) << made.error().what();
    namespaces_.push_back(std::make_unique<Fd>(*std::move(made)));
    return namespaces_.back().get();
}

HostTest::Where HostTest::make_outside() {
    const Where outside = make_namespace();
    const auto configure = [](const char* name, const char* four, const char* six) -> Result<void> {
        Links links = TRY(Links::open());
        const Link link = TRY(links.get(name));
        TRY(links.set_up(1));
        TRY(links.add_address(link.index, ip(four), 24));
        TRY(links.add_address(link.index, ip(six), 64));
        return links.set_up(link.index);
    };
    in(kHost, [&]() -> Result<void> {
        Links links = TRY(Links::open());
        TRY(links.add_veth(
            {.host_name = "uplink", .name = "nic", .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .netns = *outside}));
        return configure("uplink", "192.0.2.1", "2001:db8::1");
    });
    in(outside, [&]() -> Result<void> {
        TRY(configure("nic", "192.0.2.2", "2001:db8::2"));
        Links links = TRY(Links::open());
        const int index = TRY(links.get("nic")).index;
        TRY(links.add_default_route(index, Address::Family::v4, ip("192.0.2.1")));
        return links.add_default_route(index, Address::Family::v6, ip("2001:db8::1"));
    });
    in(kHost, [] { return Links::open()->settle("uplink"); });
    return outside;
}

void HostTest::in(Where where, const std::function<Result<void>()>& work) {
    const auto result = where == kHost ? work() : run_in_namespace(*where, work);
    ASSERT_TRUE(result) << result.error().what();
}

std::string HostTest::run(const std::string& command, Where where) {
    std::string out;
    in(where, [&]() -> Result<void> {
        const auto output = TRY(proc::run({.path = "/bin/sh",
                                           .argv = {"sh", "-c", command},
                                           .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                                           .fds = {}},
                                          kPatienceMs));
        EXPECT_EQ(output.status.code, 0) << command << ": " << output.out;
        out = output.out;
        return {};
    });
    return out;
}

LinuxNetwork& HostTest::network() {
    if (!network_) {
        auto opened = LinuxNetwork::open("diatom");
        if (!opened) {
            ADD_FAILURE() << opened.error().what();
            std::abort();
        }
        network_ = *std::move(opened);
    }
    return *network_;
}

BridgeSpec HostTest::bridge_spec(const std::string& name, unsigned second) {
    const auto four = std::format("172.{}.0.", second);
    const auto six = std::format("fd{}::", second);
    return {.name = name,
            .pools = {{.subnet = *Subnet::parse(four + "0/16"), .gateway = ip((four + "1").c_str())},
                      {.subnet = *Subnet::parse(six + "/64"), .gateway = ip((six + "1").c_str())}}};
}

HostTest::Container HostTest::make_container(const BridgeSpec& bridge, unsigned last, const std::string& interface) {
    Container container{.id = std::format("{}-{}", bridge.name, last),
                        .where = make_namespace(),
                        .four = bridge.pools.at(0).subnet.base.plus(last),
                        .six = {}};
    EndpointSpec endpoint{.container = container.id, .interface = interface, .mac = {}, .addresses = {container.four}};
    if (bridge.pools.size() > 1) endpoint.addresses.push_back(container.six = bridge.pools[1].subnet.base.plus(last));
    const auto attached = network().attach(bridge, endpoint, *container.where);
    EXPECT_TRUE(attached) << attached.error().what();
    return container;
}

Server HostTest::serve(Where where, std::uint16_t port, Protocol protocol) {
    Server server{.socket = Fd(), .protocol = protocol};
    in(where, [&]() -> Result<void> {
        server.socket =
            Fd(::socket(AF_INET6, (protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(server.socket.raw(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        auto name = name_of(Address::v6({}), port);
        if (::bind(server.socket.raw(), name.get(), name.size) != 0) return fail_errno(errno, "bind");
        if (protocol == Protocol::tcp && ::listen(server.socket.raw(), 16) != 0) return fail_errno(errno, "listen");
        return {};
    });
    return server;
}

Result<Seen> HostTest::talk_within(Where client, const Address& to, std::uint16_t port, Server& server, int wait_ms) {
    Fd socket;
    const auto open = [&]() -> Result<void> {
        const int family = to.family() == Address::Family::v4 ? AF_INET : AF_INET6;
        const int type = server.protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
        socket = Fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return socket ? Result<void>() : fail_errno(errno, "socket");
    };
    TRY(client == kHost ? open() : run_in_namespace(*client, open));
    TRY(connect_to(socket, to, port, wait_ms));
    return server.protocol == Protocol::tcp ? talk_stream(socket, server, wait_ms)
                                            : talk_datagrams(socket, server, wait_ms);
}

HostTest::Client HostTest::make_client(Where where, const Address& to, std::uint16_t port) {
    Client client;
    in(where, [&]() -> Result<void> {
        const int family = to.family() == Address::Family::v4 ? AF_INET : AF_INET6;
        client.socket = Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return connect_to(client.socket, to, port, kPatienceMs);
    });
    return client;
}

Result<Seen> HostTest::talk_again(Client& client, Server& server, Patience patience) {
    return talk_datagrams(client.socket, server, patience == Patience::brief ? kDropWaitMs : kPatienceMs);
}

Result<Seen> HostTest::talk(Where client, const Address& to, std::uint16_t port, Server& server) {
    return talk_within(client, to, port, server, kPatienceMs);
}

Result<Seen> HostTest::talk_dropped(Where client, const Address& to, std::uint16_t port, Server& server) {
    return talk_within(client, to, port, server, kDropWaitMs);
}

}  // namespace diatom::net::testing
