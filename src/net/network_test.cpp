// Who reaches whom: real packets between namespaces.
#include "net/network.h"

#include <gtest/gtest.h>

#include "net/fixture.h"

namespace diatom::net::testing {
namespace {

#define EXPECT_SEEN(result, address) EXPECT_TRUE(seen_as(result, address))
#define EXPECT_KIND(result, expected) EXPECT_TRUE(failed_with(result, expected))
#define ASSERT_OK(result) ASSERT_TRUE(succeeded(result))

::testing::AssertionResult seen_as(const Result<Seen>& result, const Address& client) {
    if (!result) return ::testing::AssertionFailure() << result.error().what();
    if (result->client == client) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the server saw " << result->client.text() << " and not " << client.text();
}

::testing::AssertionResult failed_with(const Result<Seen>& result, Kind kind) {
    if (!result && result.error().kind() == kind) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << (result ? "it worked" : result.error().what());
}

::testing::AssertionResult succeeded(const Result<void>& result) {
    if (result) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << result.error().what();
}

// Once as our kernel is set up, once with br_netfilter, which Kubernetes wants: bridged packets pass the table too.
class Traffic : public HostTest, public ::testing::WithParamInterface<int> {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (IsSkipped()) return;
        run(
            std::format("for f in iptables ip6tables; do f=/proc/sys/net/bridge/bridge-nf-call-$f; "
                        "[ ! -e $f ] || echo {} > $f; done",
                        GetParam()));
        outside = make_outside();
        ASSERT_OK(network().ensure_bridge(bridge));
    }
    void publish(const Container& container, std::uint16_t host_port, std::uint16_t port,
                 Protocol protocol = Protocol::tcp, const Address& host = {}) {
        const PortMapping mapping{.protocol = protocol, .host = host, .host_port = host_port, .container_port = port};
        std::vector<Address> targets = {container.four};
        if (!container.six.empty()) targets.push_back(container.six);
        ASSERT_OK(network().publish(container.id, {mapping}, targets));
    }

    BridgeSpec bridge = bridge_spec();
    Where outside = nullptr;
};
INSTANTIATE_TEST_SUITE_P(BridgeNetfilter, Traffic, ::testing::Values(0, 1));

TEST_P(Traffic, OutsideReachesAPublishedPortAndTheContainerSeesWhoItIs) {
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    publish(web, 8080, 80);
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 8080, server), ip("192.0.2.2"));
    EXPECT_SEEN(talk(outside, ip("2001:db8::1"), 8080, server), ip("2001:db8::2"));
    EXPECT_KIND(talk(outside, ip("192.0.2.1"), 80, server), Kind::unavailable);
}

TEST_P(Traffic, TheHostReachesAPublishedPortOnEachOfItsAddresses) {
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    publish(web, 8080, 80);
    for (const char* address : {"127.0.0.1", "127.0.0.2", "192.0.2.1", "172.17.0.1"}) {
        SCOPED_TRACE(address);
        EXPECT_SEEN(talk(kHost, ip(address), 8080, server), ip("172.17.0.1"));
    }
    for (const char* address : {"2001:db8::1", "fd17::1"}) {
        SCOPED_TRACE(address);
        EXPECT_SEEN(talk(kHost, ip(address), 8080, server), ip("fd17::1"));
    }
    EXPECT_SEEN(talk(kHost, web.four, 80, server), ip("172.17.0.1"));
    EXPECT_KIND(talk(kHost, ip("::1"), 8080, server), Kind::unavailable);
}

TEST_P(Traffic, ContainersReachPublishedPortsOfThemselvesNeighboursAndOtherNetworks) {
    const auto web = make_container(bridge, 2);
    const auto neighbour = make_container(bridge, 3);
    const auto other_bridge = bridge_spec("br-other", 18);
    ASSERT_OK(network().ensure_bridge(other_bridge));
    const auto other = make_container(other_bridge, 2);
    auto server = serve(web.where, 80);
    publish(web, 8080, 80);
    for (const auto* client : {&web, &neighbour, &other}) {
        SCOPED_TRACE(client->id);
        for (const char* host : {"192.0.2.1", "172.17.0.1"})
            EXPECT_SEEN(talk(client->where, ip(host), 8080, server), ip("172.17.0.1"));
        EXPECT_SEEN(talk(client->where, ip("2001:db8::1"), 8080, server), ip("fd17::1"));
    }
}

TEST_P(Traffic, DatagramsToo) {
    const auto dns = make_container(bridge, 2);
    const auto neighbour = make_container(bridge, 3);
    auto server = serve(dns.where, 53, Protocol::udp);
    publish(dns, 5353, 53, Protocol::udp);
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 5353, server), ip("192.0.2.2"));
    EXPECT_SEEN(talk(outside, ip("2001:db8::1"), 5353, server), ip("2001:db8::2"));
    EXPECT_SEEN(talk(kHost, ip("127.0.0.1"), 5353, server), ip("172.17.0.1"));
    EXPECT_SEEN(talk(neighbour.where, ip("172.17.0.1"), 5353, server), ip("172.17.0.1"));
}

TEST_P(Traffic, ContainersReachTheWorldWithTheHostsAddress) {
    const auto one = make_container(bridge, 2);
    auto server = serve(outside, 80);
    EXPECT_SEEN(talk(one.where, ip("192.0.2.2"), 80, server), ip("192.0.2.1"));
    EXPECT_SEEN(talk(one.where, ip("2001:db8::2"), 80, server), ip("2001:db8::1"));
}

TEST_P(Traffic, WithoutMasqueradeTheWorldSeesTheContainer) {
    bridge.masquerade = false;
    ASSERT_OK(network().ensure_bridge(bridge));
    const auto one = make_container(bridge, 2);
    auto server = serve(outside, 80);
    EXPECT_SEEN(talk(one.where, ip("192.0.2.2"), 80, server), one.four);
}

TEST_P(Traffic, NeighboursTalkDirectlyAndUnchanged) {
    const auto one = make_container(bridge, 2);
    const auto two = make_container(bridge, 3);
    auto server = serve(two.where, 80);
    EXPECT_SEEN(talk(one.where, two.four, 80, server), one.four);
    EXPECT_SEEN(talk(one.where, two.six, 80, server), one.six);
}

TEST_P(Traffic, IsolatedNeighboursMeetOnlyAtPublishedPorts) {
    bridge.isolate = true;
    ASSERT_OK(network().ensure_bridge(bridge));
    const auto one = make_container(bridge, 2);
    const auto two = make_container(bridge, 3);
    auto server = serve(two.where, 80);
    EXPECT_FALSE(talk_dropped(one.where, two.four, 80, server));
    EXPECT_FALSE(talk_dropped(one.where, two.six, 80, server));
    // Nor by way of the host.
    run("ip route add 172.17.0.3 via 172.17.0.1", one.where);
    EXPECT_FALSE(talk_dropped(one.where, two.four, 80, server));
    publish(two, 8080, 80);
    // Under br_netfilter the kernel bridges the translated packet, which isolation drops.
    if (GetParam() == 0) {
        EXPECT_SEEN(talk(one.where, ip("172.17.0.1"), 8080, server), ip("172.17.0.1"));
    }
    auto world = serve(outside, 81);
    EXPECT_SEEN(talk(one.where, ip("192.0.2.2"), 81, world), ip("192.0.2.1"));
}

TEST_P(Traffic, NetworksDoNotReachEachOtherNorDoesTheWorldReachThem) {
    const auto one = make_container(bridge, 2);
    const auto other_bridge = bridge_spec("br-other", 18);
    ASSERT_OK(network().ensure_bridge(other_bridge));
    const auto other = make_container(other_bridge, 2);
    auto server = serve(one.where, 80);
    for (const Where client : {other.where, outside}) {
        EXPECT_KIND(talk_dropped(client, one.four, 80, server), Kind::timed_out);
        EXPECT_KIND(talk_dropped(client, one.six, 80, server), Kind::timed_out);
    }
}

TEST_P(Traffic, AnInternalNetworkHasNoWayOutAndNoneIn) {
    bridge.internal = true;
    ASSERT_OK(network().ensure_bridge(bridge));
    const auto one = make_container(bridge, 2);
    const auto two = make_container(bridge, 3);
    auto world = serve(outside, 80);
    auto server = serve(two.where, 80);
    EXPECT_FALSE(talk_dropped(one.where, ip("192.0.2.2"), 80, world));
    run("ip route add default via 172.17.0.1", one.where);  // a container with NET_ADMIN
    EXPECT_KIND(talk_dropped(one.where, ip("192.0.2.2"), 80, world), Kind::timed_out);
    EXPECT_SEEN(talk(one.where, two.four, 80, server), one.four);
    EXPECT_KIND(talk_dropped(outside, two.four, 80, server), Kind::timed_out);
}

TEST_P(Traffic, APortOnOneAddressIsOnlyThere) {
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    publish(web, 8080, 80, Protocol::tcp, ip("127.0.0.1"));
    EXPECT_SEEN(talk(kHost, ip("127.0.0.1"), 8080, server), ip("172.17.0.1"));
    EXPECT_KIND(talk(kHost, ip("192.0.2.1"), 8080, server), Kind::unavailable);
    EXPECT_KIND(talk(outside, ip("192.0.2.1"), 8080, server), Kind::unavailable);
    publish(web, 8080, 80, Protocol::tcp, ip("192.0.2.1"));
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 8080, server), ip("192.0.2.2"));
    EXPECT_KIND(talk(kHost, ip("127.0.0.1"), 8080, server), Kind::unavailable);
    publish(web, 8080, 80, Protocol::tcp, ip("2001:db8::1"));
    EXPECT_SEEN(talk(outside, ip("2001:db8::1"), 8080, server), ip("2001:db8::2"));
    EXPECT_KIND(talk(outside, ip("192.0.2.1"), 8080, server), Kind::unavailable);
}

// CVE-2020-8558 and its like: packets to 127.0.0.1 from elsewhere, once the bridge has route_localnet.
TEST_P(Traffic, TheHostsLoopbackIsOnlyItsOwn) {
    const auto evil = make_container(bridge, 2);
    auto web = serve(evil.where, 80);
    publish(evil, 8080, 80, Protocol::tcp, ip("127.0.0.1"));
    EXPECT_SEEN(talk(kHost, ip("127.0.0.1"), 8080, web), ip("172.17.0.1"));
    auto secret = serve(kHost, 9999);
    const std::string aim =
        "ip addr flush dev lo; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; "
        "ip route add 127.0.0.1 via ";
    run(aim + "172.17.0.1", evil.where);
    run(aim + "192.0.2.1", outside);
    EXPECT_KIND(talk_dropped(evil.where, ip("127.0.0.1"), 9999, secret), Kind::timed_out);
    EXPECT_KIND(talk_dropped(outside, ip("127.0.0.1"), 8080, web), Kind::timed_out);
    // The attack itself is sound: without these rules it works.
    run("nft flush chain inet diatom martians");
    EXPECT_SEEN(talk(evil.where, ip("127.0.0.1"), 9999, secret), evil.four);
}

TEST_P(Traffic, AnUnpublishedPortIsRefusedAndTheNextOneGetsIt) {
    const auto one = make_container(bridge, 2);
    const auto two = make_container(bridge, 3);
    auto first = serve(one.where, 80);
    auto second = serve(two.where, 80);
    publish(one, 8080, 80);
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 8080, first), ip("192.0.2.2"));
    ASSERT_OK(network().unpublish(one.id));
    EXPECT_KIND(talk(outside, ip("192.0.2.1"), 8080, first), Kind::unavailable);
    publish(two, 8080, 80);
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 8080, second), ip("192.0.2.2"));
}

TEST_P(Traffic, AClientThatKeepsItsSourcePortFollowsThePublishedPort) {
    const auto one = make_container(bridge, 2);
    const auto two = make_container(bridge, 3);
    auto first = serve(one.where, 53, Protocol::udp);
    auto second = serve(two.where, 53, Protocol::udp);
    for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
        SCOPED_TRACE(address);
        // The host itself gets the first ones: nobody there answers.
        auto held = network().reserve({.protocol = Protocol::udp, .host = {}, .host_port = 5353, .container_port = 53});
        auto client = make_client(outside, ip(address), 5353);
        EXPECT_KIND(talk_again(client, first, Patience::brief), Kind::timed_out);
        publish(one, 5353, 53, Protocol::udp);
        EXPECT_SEEN(talk_again(client, first),
                    ip(std::string_view(address).contains(':') ? "2001:db8::2" : "192.0.2.2"));
        ASSERT_OK(network().unpublish(one.id));
        publish(two, 5353, 53, Protocol::udp);
        EXPECT_SEEN(talk_again(client, second),
                    ip(std::string_view(address).contains(':') ? "2001:db8::2" : "192.0.2.2"));
        ASSERT_OK(network().unpublish(two.id));
        EXPECT_KIND(talk_again(client, second, Patience::brief), Kind::timed_out);
    }
}

TEST_P(Traffic, TheUsersChainFiltersPublishedPortsAndSurvivesRestore) {
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    publish(web, 8080, 80);
    run("nft add rule inet diatom user ct original proto-dst 8080 ip saddr 192.0.2.2 drop");
    EXPECT_KIND(talk_dropped(outside, ip("192.0.2.1"), 8080, server), Kind::timed_out);
    ASSERT_OK(network().restore());
    EXPECT_KIND(talk_dropped(outside, ip("192.0.2.1"), 8080, server), Kind::timed_out);
    run("nft flush chain inet diatom user");
    EXPECT_SEEN(talk(outside, ip("192.0.2.1"), 8080, server), ip("192.0.2.2"));
}

}  // namespace
}  // namespace diatom::net::testing

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
