#include "engine/network_plan.h"

#include <gtest/gtest.h>

#include "engine/codec.h"

namespace diatom::engine {
namespace {

net::Pool pool(const char* subnet) { return {.subnet = net::Subnet::parse(subnet).value(), .gateway = {}}; }

NetworkRecord configuration() {
    NetworkRecord wanted{.name = "settings"};
    wanted.pools = {pool("10.77.0.0/24")};
    wanted.options = {{kMtuOption, "1400"}};
    wanted.labels = {{"a", "b"}};
    wanted.config_only = true;
    return wanted;
}

TEST(NetworkPlan, AConfigurationIsWhatOthersAreMadeWith) {
    const auto settings = plan_network(configuration(), {});
    ASSERT_TRUE(settings) << settings.error().what();
    EXPECT_TRUE(settings->driver == "null" && settings->bridge.empty());
    EXPECT_TRUE(decode_network(encode(*settings))->config_only);
    const auto made = plan_network({.name = "own", .config_from = "settings"}, {*settings});
    ASSERT_TRUE(made) << made.error().what();
    EXPECT_EQ(made->pools[0].subnet.text(), "10.77.0.0/24");
    EXPECT_EQ(made->pools[0].gateway.text(), "10.77.0.1");
    EXPECT_TRUE(made->driver == "bridge" && made->options.at(kMtuOption) == "1400" && made->labels.at("a") == "b");
    EXPECT_EQ(decode_network(encode(*made))->config_from, "settings");
}

TEST(NetworkPlan, AConfigurationIsNoNetwork) {
    const auto settings = plan_network(configuration(), {}).value();
    EXPECT_EQ(plan_network({.name = "own", .config_from = "nonesuch"}, {settings}).error().kind(), Kind::not_found);
    NetworkRecord more{.name = "own", .config_from = "settings"};
    more.options = {{kMtuOption, "1300"}};
    EXPECT_EQ(plan_network(more, {settings}).error().kind(), Kind::denied);
    const auto own = plan_network({.name = "own"}, {settings}).value();
    EXPECT_EQ(plan_network({.name = "x", .config_from = "own"}, {settings, own}).error().kind(), Kind::denied);
    auto internal = configuration();
    internal.internal = true;
    EXPECT_EQ(plan_network(internal, {}).error().kind(), Kind::denied);
}

TEST(NetworkPlan, SubnetsOfIpv4ComeFirst) {
    NetworkRecord wanted{.name = "both", .ipv6 = true};
    wanted.pools = {pool("fd77::/64"), pool("10.77.1.0/24"), pool("10.77.0.0/24")};
    const auto made = plan_network(wanted, {}).value();
    EXPECT_EQ(made.pools[0].subnet.text(), "10.77.1.0/24");
    EXPECT_EQ(made.pools[1].subnet.text(), "10.77.0.0/24");
    EXPECT_EQ(made.pools[2].subnet.text(), "fd77::/64");
}

TEST(NetworkPlan, GatewayModesAreChecked) {
    const auto with = [](const char* mode, bool internal) {
        NetworkRecord wanted{.name = "own"};
        wanted.options = {{kGatewayMode4Option, mode}};
        wanted.internal = internal;
        return plan_network(wanted, {});
    };
    EXPECT_EQ(bridge_spec(with("routed", false).value()).mode4, net::GatewayMode::routed);
    EXPECT_EQ(bridge_spec(with("nat-unprotected", false).value()).mode4, net::GatewayMode::nat_unprotected);
    EXPECT_EQ(bridge_spec(with("nat", false).value()).mode6, net::GatewayMode::nat);
    EXPECT_FALSE(with("isolated", false));
    EXPECT_TRUE(with("isolated", true).value().pools[0].gateway.empty());
    EXPECT_EQ(with("sideways", false).error().kind(), Kind::invalid);
}

}  // namespace
}  // namespace diatom::engine
