// Ports that are exchanged in a container's namespace, and interfaces without a bridge: real packets.
#include "net/resolver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/fixture.h"
#include "net/namespace.h"

namespace diatom::net::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

#define ASSERT_OK(result) ASSERT_TRUE(succeeded(result))

template <class T>
::testing::AssertionResult succeeded(const Result<T>& result) {
    if (result) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << result.error().what();
}

class ResolverTest : public HostTest {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (IsSkipped()) return;
        where_ = make_namespace();
        ASSERT_OK(network().loopback_up(*where_));
    }
    static sockaddr_in port53() {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(53);
        ::inet_pton(AF_INET, kResolverAddress, &name.sin_addr);
        return name;
    }
    static bool readable(FdRef fd) {
        pollfd poll{.fd = fd.raw(), .events = POLLIN, .revents = 0};
        return ::poll(&poll, 1, 20'000) == 1;
    }
    // What a program of the container has: a socket that is connected to 127.0.0.11, port 53.
    Fd client(int type) {
        Fd fd;
        in(where_, [&]() -> Result<void> {
            fd = Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
            const auto name = port53();
            if (::connect(fd.raw(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
                return fail_errno(errno, "connect");
            return {};
        });
        return fd;
    }
    void expect_echo_by_udp(const ResolverSockets& sockets) {
        const Fd fd = client(SOCK_DGRAM);
        ASSERT_EQ(::send(fd.raw(), "ask", 3, 0), 3);
        ASSERT_TRUE(readable(sockets.udp));
        char buffer[8] = {};
        sockaddr_in from{};
        socklen_t size = sizeof from;
        ASSERT_EQ(::recvfrom(sockets.udp.raw(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size),
                  3);
        ASSERT_EQ(::sendto(sockets.udp.raw(), "tell", 4, 0, reinterpret_cast<sockaddr*>(&from), size), 4);
        // It is connected: only what comes from port 53 gets in.
        ASSERT_TRUE(readable(fd));
        EXPECT_EQ(::recv(fd.raw(), buffer, sizeof buffer, 0), 4);
    }
    void expect_echo_by_tcp(const ResolverSockets& sockets) {
        const Fd fd = client(SOCK_STREAM);
        ASSERT_TRUE(readable(sockets.tcp));
        const Fd accepted(::accept4(sockets.tcp.raw(), nullptr, nullptr, SOCK_CLOEXEC));
        ASSERT_TRUE(accepted);
        const std::string much(100'000, 'x');
        std::size_t got = 0;
        ASSERT_EQ(::send(fd.raw(), much.data(), much.size(), 0), static_cast<ssize_t>(much.size()));
        char buffer[4096];
        while (got < much.size() && readable(accepted)) {
            const auto n = ::recv(accepted.raw(), buffer, sizeof buffer, 0);
            ASSERT_GT(n, 0);
            got += static_cast<std::size_t>(n);
        }
        ASSERT_EQ(::send(accepted.raw(), "tell", 4, 0), 4);
        ASSERT_TRUE(readable(fd));
        EXPECT_EQ(::recv(fd.raw(), buffer, sizeof buffer, 0), 4);
    }
    Where where_ = nullptr;
};

TEST_F(ResolverTest, WhatGoesToPort53ReachesTheSocketsAndComesBackFromThere) {
    auto sockets = open_resolver(*where_);
    ASSERT_OK(sockets);
    expect_echo_by_udp(*sockets);
    expect_echo_by_tcp(*sockets);
    EXPECT_THAT(run("nft list ruleset", where_), Not(HasSubstr("dnat"))) << "no address translation, no tracking";
}

TEST_F(ResolverTest, OpenedAgainItReplacesWhatWasThere) {
    const auto first = open_resolver(*where_);
    ASSERT_OK(first);
    const auto second = open_resolver(*where_);
    ASSERT_OK(second);
    expect_echo_by_udp(*second);
    expect_echo_by_tcp(*second);
}

TEST_F(ResolverTest, Port53StaysFreeForTheContainer) {
    const auto sockets = open_resolver(*where_);
    ASSERT_OK(sockets);
    in(where_, []() -> Result<void> {
        for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
            const Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
            sockaddr_in any{};
            any.sin_family = AF_INET;
            any.sin_port = htons(53);
            if (::bind(fd.raw(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
                return fail_errno(errno, "bind port 53");
        }
        return {};
    });
}

class ChildTest : public HostTest {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (IsSkipped()) return;
        run("ip link add card type bridge && ip link set card up");
    }
    // Kernels of development machines lack some of these; the machine's own has them all (tests/vm/test_networks.py).
    bool kernel_has(const std::string& kind) {
        return run(std::format(
                   "ip link add {0} probe type {1} 2>/dev/null && echo yes; ip link del probe 2>/dev/null; :",
                   kind == "dummy" ? "" : "link card", kind + (kind == "vlan" ? " id 7" : ""))) == "yes\n";
    }
    Where attach(const ChildSpec& spec, unsigned last, const std::string& interface = "eth0") {
        const Where where = make_namespace();
        const EndpointSpec endpoint{.container = std::format("c{}", last),
                                    .interface = interface,
                                    .mac = {},
                                    .addresses = {spec.pools[0].subnet.base.plus(last)}};
        const auto attached = network().attach_child(spec, endpoint, *where);
        EXPECT_TRUE(succeeded(attached));
        return where;
    }
    static ChildSpec spec(ChildSpec::Kind kind) {
        return {.kind = kind,
                .parent = "card",
                .pools = {{.subnet = *Subnet::parse("10.7.0.0/24"), .gateway = ip("10.7.0.1")}}};
    }
};

TEST_F(ChildTest, ContainersOnOneCardTalk) {
    using enum ChildSpec::Kind;
    if (!kernel_has("macvlan") || !kernel_has("ipvlan")) GTEST_SKIP() << "this kernel has no macvlan or no ipvlan";
    for (const auto kind : {macvlan_bridge, ipvlan_l2, ipvlan_l3, ipvlan_l3s}) {
        const auto wanted = spec(kind);
        ASSERT_OK(network().ensure_parent(wanted));
        const Where one = attach(wanted, 2), other = attach(wanted, 3);
        auto server = serve(one, 80);
        const auto seen = talk(other, ip("10.7.0.2"), 80, server);
        ASSERT_OK(seen);
        EXPECT_EQ(seen->client, ip("10.7.0.3"));
        const auto route = run("ip route show default", other);
        const bool routed = kind == ipvlan_l3 || kind == ipvlan_l3s;
        EXPECT_THAT(route, HasSubstr(routed ? "default dev eth0" : "default via 10.7.0.1"));
        for (const Where where : {one, other}) ASSERT_OK(network().detach_child("eth0", *where));
        EXPECT_THAT(run("ip link", one), Not(HasSubstr("eth0")));
    }
}

TEST_F(ChildTest, ParentsThatWeMadeGoAndOthersStay) {
    if (!kernel_has("dummy") || !kernel_has("vlan")) GTEST_SKIP() << "this kernel has no dummy or no VLAN interfaces";
    auto alone = spec(ChildSpec::Kind::macvlan_bridge);
    alone.parent = "dm-1";
    alone.own_parent = true;
    auto vlan = spec(ChildSpec::Kind::macvlan_bridge);
    vlan.parent = "card.12";
    for (const auto& made : {alone, vlan}) {
        ASSERT_OK(network().ensure_parent(made));
        ASSERT_OK(network().ensure_parent(made));
        EXPECT_THAT(run("ip link"), HasSubstr(made.parent));
        ASSERT_OK(network().remove_parent(made));
        EXPECT_THAT(run("ip link"), Not(HasSubstr(made.parent)));
    }
    ASSERT_OK(network().remove_parent(spec(ChildSpec::Kind::macvlan_bridge)));
    EXPECT_THAT(run("ip link"), HasSubstr("card"));
}

TEST_F(ChildTest, AMissingCardIsNamed) {
    auto missing = spec(ChildSpec::Kind::macvlan_bridge);
    missing.parent = "nonesuch";
    const auto refused = network().ensure_parent(missing);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what(), HasSubstr("nonesuch"));
}

TEST_F(ChildTest, DefaultRoutesMove) {
    const auto bridge = bridge_spec();
    ASSERT_OK(network().ensure_bridge(bridge));
    const Where where = make_container(bridge, 2).where;
    const std::vector<DefaultRoute> none = {{.family = Address::Family::v4}, {.family = Address::Family::v6}};
    ASSERT_OK(network().set_default_routes(none, *where));
    EXPECT_EQ(run("ip route show default", where), "");
    ASSERT_OK(network().set_default_routes(none, *where));
    const DefaultRoute other{.family = Address::Family::v4, .interface = "eth0", .gateway = ip("172.17.0.9")};
    ASSERT_OK(network().set_default_routes({other}, *where));
    ASSERT_OK(network().set_default_routes({other}, *where));
    EXPECT_THAT(run("ip route show default", where), HasSubstr("via 172.17.0.9"));
}

}  // namespace
}  // namespace diatom::net::testing
