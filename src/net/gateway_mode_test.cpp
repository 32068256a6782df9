// Docker's gateway modes, by real connections between containers, this host and a machine outside.
#include <gmock/gmock.h>

#include "net/elements.h"
#include "net/fixture.h"
#include "net/ruleset.h"

namespace diatom::net {
namespace {

using testing::ip;
using testing::Seen;

class GatewayModes : public testing::HostTest {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (!IsSkipped()) outside_ = make_outside();
    }
    BridgeSpec make_bridge(GatewayMode mode) {
        auto bridge = bridge_spec();
        bridge.mode4 = bridge.mode6 = mode;
        const auto made = network().ensure_bridge(bridge);
        EXPECT_TRUE(made) << made.error().what();
        return bridge;
    }
    Result<void> publish(const Container& container, const Address& host = {}) {
        const PortMapping mapping{.host = host, .host_port = 8080, .container_port = 80};
        return network().publish(container.id, {mapping}, {container.four, container.six});
    }
    void expect_seen(const Result<Seen>& seen, const Address& client) {
        ASSERT_TRUE(seen) << seen.error().what();
        EXPECT_EQ(seen->client, client);
    }
    Where outside_ = nullptr;
};

TEST_F(GatewayModes, RoutedContainersAreReachedAtTheirPublishedPorts) {
    const auto bridge = make_bridge(GatewayMode::routed);
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80), other = serve(web.where, 81);
    EXPECT_FALSE(talk_dropped(outside_, web.four, 80, server)) << "nothing is published yet";
    ASSERT_TRUE(publish(web));
    for (const auto& [to, from] : {std::pair(web.four, ip("192.0.2.2")), std::pair(web.six, ip("2001:db8::2"))}) {
        expect_seen(talk(outside_, to, 80, server), from);
        EXPECT_FALSE(talk_dropped(outside_, to, 81, other));
    }
    EXPECT_FALSE(talk(outside_, ip("192.0.2.1"), 8080, server)) << "no port of this host takes part";
    run("busybox ping -c 1 -W 2 172.17.0.2", outside_);
    run("busybox ping -c 1 -W 2 fd17::2", outside_);
    ASSERT_TRUE(network().unpublish(web.id));
    EXPECT_FALSE(talk_dropped(outside_, web.four, 80, server));
}

TEST_F(GatewayModes, RoutedContainersLeaveWithTheirOwnAddresses) {
    const auto bridge = make_bridge(GatewayMode::routed);
    const auto web = make_container(bridge, 2);
    auto server = serve(outside_, 80);
    expect_seen(talk(web.where, ip("192.0.2.2"), 80, server), web.four);
    expect_seen(talk(web.where, ip("2001:db8::2"), 80, server), web.six);
}

TEST_F(GatewayModes, OtherNetworksReachPublishedPortsOfRoutedOnes) {
    const auto web = make_container(make_bridge(GatewayMode::routed), 2);
    const auto second = bridge_spec("other0", 18);
    ASSERT_TRUE(network().ensure_bridge(second));
    const auto client = make_container(second, 2);
    auto server = serve(web.where, 80), other = serve(web.where, 81);
    ASSERT_TRUE(publish(web));
    expect_seen(talk(client.where, web.four, 80, server), client.four);
    EXPECT_FALSE(talk_dropped(client.where, web.four, 81, other));
}

TEST_F(GatewayModes, UnprotectedContainersAreReachedAtEveryPortFromOutside) {
    const auto web = make_container(make_bridge(GatewayMode::nat_unprotected), 2);
    const auto second = bridge_spec("other0", 18);
    ASSERT_TRUE(network().ensure_bridge(second));
    const auto client = make_container(second, 2);
    auto server = serve(web.where, 81), outer = serve(outside_, 80);
    expect_seen(talk(outside_, web.four, 81, server), ip("192.0.2.2"));
    expect_seen(talk(outside_, web.six, 81, server), ip("2001:db8::2"));
    expect_seen(talk(web.where, ip("192.0.2.2"), 80, outer), ip("192.0.2.1"));
    EXPECT_FALSE(talk_dropped(client.where, web.four, 81, server)) << "networks stay apart";
}

TEST_F(GatewayModes, OneVersionMayBeRoutedAndTheOtherNot) {
    auto bridge = bridge_spec();
    bridge.mode6 = GatewayMode::routed;
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    ASSERT_TRUE(publish(web));
    expect_seen(talk(outside_, ip("192.0.2.1"), 8080, server), ip("192.0.2.2"));
    EXPECT_FALSE(talk_dropped(outside_, web.four, 80, server));
    expect_seen(talk(outside_, web.six, 80, server), ip("2001:db8::2"));
    // As an engine that is restarted, and whose table somebody flushed.
    run("nft flush ruleset");
    ASSERT_TRUE(network().restore());
    expect_seen(talk(outside_, web.six, 80, server), ip("2001:db8::2"));
}

TEST_F(GatewayModes, AnIsolatedBridgeHasNoAddress) {
    auto bridge = make_bridge(GatewayMode::isolated);
    bridge.internal = true;
    for (auto& pool : bridge.pools) pool.gateway = {};
    bridge.name = "alone0";
    ASSERT_TRUE(network().ensure_bridge(bridge));
    EXPECT_EQ(run("ip -4 -brief address show alone0").find("172."), std::string::npos);
}

TEST(GatewayElements, OnePortIsOpenedOnce) {
    const auto four = ip("172.17.0.2");
    const PortMapping one{.host_port = 8080, .container_port = 80}, two{.host_port = 8081, .container_port = 80};
    const auto elements = elements_of({one, two}, {four}, {four});
    ASSERT_TRUE(elements);
    EXPECT_EQ(elements->at(kOpened4).size(), 1U);
    EXPECT_FALSE(elements->contains(kPorts4));
}

}  // namespace
}  // namespace diatom::net
