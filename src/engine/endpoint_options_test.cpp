#include "engine/endpoint_options.h"

#include <gtest/gtest.h>

#include "engine/codec.h"
#include "engine/endpoints.h"

namespace diatom::engine {
namespace {

EndpointConfig with(const std::string& key, const std::string& value) {
    return {.network = "own", .options = {{key, value}}};
}

TEST(EndpointOptions, SysctlsAreOfTheInterfaceAlone) {
    const auto good =
        with(kSysctlsOption, "net.ipv4.conf.IFNAME.log_martians=1, net.ipv6.neigh.IFNAME.retrans_time_ms=5");
    const std::map<std::string, std::string> expected = {{"ipv4/conf/eth3/log_martians", "1"},
                                                         {"ipv6/neigh/eth3/retrans_time_ms", "5"}};
    EXPECT_EQ(endpoint_sysctls(good, "eth3").value(), expected);
    for (const auto* text : {"net.ipv4.conf.all.log_martians=1", "net.ipv4.conf.eth0.x=1", "net.ipv4.ip_forward=1",
                             "kernel.conf.x.IFNAME.y=1", "net.ipv4.conf.IFNAME.a/../b=1", "net.ipv4.conf.IFNAME.a",
                             "net.ipv4.conf.IFNAME.=1"}) {
        const auto refused = check_endpoint(with(kSysctlsOption, text));
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().kind(), Kind::invalid);
    }
}

TEST(EndpointOptions, AreCheckedByName) {
    EXPECT_TRUE(check_endpoint(with(kInterfaceOption, "lan0")));
    EXPECT_FALSE(check_endpoint(with(kInterfaceOption, "much-too-long-for-one")));
    EXPECT_FALSE(check_endpoint(with(kInterfaceOption, "a/b")));
    EXPECT_TRUE(check_endpoint(with("of.nobody", "x")));
    EXPECT_EQ(check_endpoint(with("com.docker.network.endpoint.colour", "x")).error().kind(), Kind::unsupported);
}

TEST(EndpointOptions, LinkLocalAddressesAreThat) {
    EndpointConfig endpoint{.network = "own"};
    endpoint.link_local = {net::Address::parse("169.254.1.2").value(), net::Address::parse("fe80::7").value()};
    EXPECT_TRUE(check_endpoint(endpoint));
    ContainerConfig config{.networks = {endpoint}};
    EXPECT_EQ(decode_config(encode(config)).value().networks[0].link_local, endpoint.link_local);
    for (const auto* text : {"169.253.0.1", "fe00::1", "10.0.0.1"}) {
        endpoint.link_local = {net::Address::parse(text).value()};
        EXPECT_FALSE(check_endpoint(endpoint)) << text;
    }
}

}  // namespace
}  // namespace diatom::engine
