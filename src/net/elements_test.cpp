#include "net/elements.h"

#include <gtest/gtest.h>

#include "net/endpoint.h"
#include "net/links.h"
#include "net/ruleset.h"

namespace diatom::net {
namespace {

Elements subnets(const char* subnet) {
    return elements_of({.name = "b", .pools = {{.subnet = *Subnet::parse(subnet)}}});
}

std::string bytes(std::initializer_list<int> list) {
    std::string text;
    for (const int byte : list) text.push_back(static_cast<char>(byte));
    return text;
}

TEST(Elements, SubnetsAreIntervals) {
    const auto wide = subnets("172.17.0.0/16").at(kSubnets4);
    ASSERT_EQ(wide.size(), 2U);
    EXPECT_EQ(wide[0].key, bytes({172, 17, 0, 0}));
    EXPECT_FALSE(wide[0].end);
    EXPECT_EQ(wide[1].key, bytes({172, 18, 0, 0}));
    EXPECT_TRUE(wide[1].end);
    EXPECT_EQ(subnets("192.168.240.0/20").at(kSubnets4)[1].key, bytes({192, 169, 0, 0}));
    EXPECT_EQ(subnets("10.0.0.252/30").at(kSubnets4)[1].key, bytes({10, 0, 1, 0}));
    EXPECT_EQ(subnets("10.0.0.255/32").at(kSubnets4)[1].key, bytes({10, 0, 1, 0}));
    EXPECT_EQ(subnets("255.0.0.0/8").at(kSubnets4).size(), 1U);  // ends past the last address
    EXPECT_EQ(subnets("0.0.0.0/0").at(kSubnets4).size(), 1U);
    EXPECT_EQ(subnets("fd00::/64").at(kSubnets6)[1].key.substr(0, 8), bytes({0xfd, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(Elements, BridgesAreWhatTheirSpecSays) {
    BridgeSpec spec{.name = "b"};
    EXPECT_TRUE(elements_of(spec).contains(kConnected));
    EXPECT_TRUE(elements_of(spec).contains(kMasquerade));
    EXPECT_FALSE(elements_of(spec).contains(kInternal));
    spec.internal = spec.isolate = true;
    EXPECT_FALSE(elements_of(spec).contains(kConnected));
    EXPECT_FALSE(elements_of(spec).contains(kMasquerade));
    EXPECT_TRUE(elements_of(spec).contains(kInternal));
    EXPECT_EQ(elements_of(spec).at(kBridges)[0].key.size(), 16U);
}

TEST(Elements, PortsGoWhereTheContainerHasAnAddress) {
    const Address four = *Address::parse("172.17.0.2");
    const Address six = *Address::parse("fd00::2");
    const PortMapping any{.protocol = Protocol::udp, .host = {}, .host_port = 0x1234, .container_port = 0x5678};
    const auto both = elements_of({any}, {four, six});
    ASSERT_TRUE(both);
    EXPECT_EQ(both->at(kPorts4)[0].key, bytes({17, 0, 0, 0, 0x12, 0x34, 0, 0}));
    EXPECT_EQ(both->at(kPorts4)[0].value, bytes({172, 17, 0, 2, 0x56, 0x78, 0, 0}));
    EXPECT_EQ(both->at(kPorts6)[0].value.size(), 20U);
    EXPECT_FALSE(elements_of({any}, {four})->contains(kPorts6));
    PortMapping one = any;
    one.host = *Address::parse("0.0.0.0");
    EXPECT_TRUE(elements_of({one}, {four, six})->contains(kPorts4));
    EXPECT_FALSE(elements_of({one}, {four, six})->contains(kPorts6));
    one.host = *Address::parse("::1");
    EXPECT_EQ(elements_of({one}, {four, six}).error().kind(), Kind::unsupported);
    one.host = *Address::parse("2001:db8::1");
    EXPECT_EQ(elements_of({one}, {four, six})->at(kHost6)[0].key.size(), 24U);
    const auto lacking = elements_of({one}, {four});
    ASSERT_FALSE(lacking);
    EXPECT_EQ(lacking.error().kind(), Kind::invalid);
    EXPECT_NE(lacking.error().what().find("4660/udp"), std::string::npos) << lacking.error().what();
}

TEST(Elements, DifferenceIsWhatTheOtherLacks) {
    const auto one = subnets("10.0.0.0/8");
    EXPECT_TRUE(difference(one, one).empty());
    const auto rest = difference(one, subnets("11.0.0.0/8"));
    ASSERT_EQ(rest.size(), 1U);
    EXPECT_EQ(rest.at(kSubnets4).size(), 2U);
}

TEST(Endpoint, NamesAreStableAndShort) {
    const std::string alias = veth_alias(std::string(64, 'a'), "eth0");
    EXPECT_EQ(veth_name(alias, 0), veth_name(alias, 0));
    EXPECT_NE(veth_name(alias, 0), veth_name(alias, 1));
    EXPECT_EQ(veth_name(alias, 0).size(), 11U);
    EXPECT_EQ(format_mac(derive_mac({*Address::parse("172.17.0.2")}, "x")), "02:42:ac:11:00:02");
    EXPECT_EQ(format_mac(derive_mac({}, "x")).substr(0, 6), "02:42:");
    EXPECT_NE(derive_mac({}, "x"), derive_mac({}, "y"));
}

TEST(Links, MacAddressesAreThoseOfOneInterface) {
    EXPECT_EQ(format_mac(*parse_mac("02:42:AC:11:00:ff")), "02:42:ac:11:00:ff");
    for (const char* text : {"", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "0:42:ac:11:00:02", "gg:42:ac:11:00:02",
                             "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "-2:42:ac:11:00:02"}) {
        EXPECT_FALSE(parse_mac(text)) << text;
    }
}

}  // namespace
}  // namespace diatom::net
