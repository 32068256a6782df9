#include "uplink/plan.h"

#include <gmock/gmock.h>
#include <linux/rtnetlink.h>

#include "uplink/testing/network.h"

namespace diatom::uplink {
namespace {

using testing::asks_of;
using testing::card;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ip;
using ::testing::IsEmpty;
using testing::network;
using testing::veth;

std::vector<std::string> asks(const Wanted& wanted) {
    std::vector<std::string> texts;
    for (const auto& link : wanted.links) texts.push_back(asks_of(link));
    return texts;
}

std::vector<std::string> names(const Wanted& wanted) {
    std::vector<std::string> texts;
    for (const auto& link : wanted.links) texts.push_back(link.name + "<" + link.key);
    return texts;
}

TEST(Plan, WithoutInterfacesAllHardwareAsks) {
    const auto wanted =
        plan(network("dns: {servers: [9.9.9.9]}"), {card(2, "eth0"), veth(3, "veth1"), card(4, "eth1")});
    EXPECT_THAT(asks(wanted), ElementsAre("eth0 dhcp4 router (dhcp6)", "eth1 dhcp4 router (dhcp6)"));
    EXPECT_TRUE(wanted.any_will_do);
    EXPECT_THAT(wanted.names.servers, ElementsAre("9.9.9.9"));
}

TEST(Plan, WhereAddressesAreSaidNobodyIsAsked) {
    const auto wanted = plan(network(R"(
interfaces:
  eth0: {addresses: [192.0.2.7/24, "2001:db8::7/64"], gateway4: 192.0.2.1, mtu: 1400, mac: "52:54:00:AA:00:01"}
  eth1: {}
  eth2: {dhcp6: true, accept_ra: false}
  eth3: {link_local: true, dhcp6: false}
  eth4: {addresses: [192.0.2.8/24], dhcp4: true, accept_ra: false}
)"),
                             {card(2, "eth0"), card(3, "eth1"), card(4, "eth2"), card(5, "eth3"), card(6, "eth4")});
    EXPECT_THAT(asks(wanted), ElementsAre("eth0 router (dhcp6)", "eth1 dhcp4 router (dhcp6)", "eth2 dhcp6",
                                          "eth3 link_local router", "eth4 dhcp4"));
    EXPECT_THAT(wanted.problems, IsEmpty());
    const auto& first = wanted.links[0];
    EXPECT_THAT(first.addresses, ElementsAre(WantedAddress{ip("192.0.2.7"), 24}, WantedAddress{ip("2001:db8::7"), 64}));
    ASSERT_EQ(first.routes.size(), 1U);
    EXPECT_EQ(first.routes[0].via, ip("192.0.2.1"));
    EXPECT_EQ(first.routes[0].to.prefix, 0U);
    EXPECT_EQ(first.mtu, 1400U);
    EXPECT_EQ(net::format_mac(*first.mac), "52:54:00:aa:00:01");
}

TEST(Plan, AKeyMeansLinksByNameMacGlobOrMatch) {
    const std::vector<Present> links{card(2, "eth0", "52:54:00:00:00:0a"), card(3, "eth1", "52:54:00:00:00:0b"),
                                     card(4, "ens3", "52:54:00:00:00:0c"), veth(5, "eth9")};
    // The name before the glob that stands first; the engines' links are nobody's.
    EXPECT_THAT(names(plan(network("interfaces: {'e*': {}, eth1: {}}"), links)),
                ElementsAre("eth0<e*", "eth1<eth1", "ens3<e*"));
    EXPECT_THAT(names(plan(network("interfaces: {'mac=52:54:00:00:00:0B': {}}"), links)),
                ElementsAre("eth1<mac=52:54:00:00:00:0B"));
    EXPECT_THAT(names(plan(network("interfaces: {lan: {match: {mac: '52:54:00:00:00:0c'}}}"), links)),
                ElementsAre("ens3<lan"));
    EXPECT_THAT(names(plan(network("interfaces: {lan: {match: {driver: 'virtio*', name: 'eth?'}}}"), links)),
                ElementsAre("eth0<lan", "eth1<lan"));
    EXPECT_THAT(names(plan(network("interfaces: {lan: {match: {driver: e1000}}, eth9: {}}"), links)),
                ElementsAre("eth9<eth9"));
}

TEST(Plan, BondsBridgesAndVlansInTheOrderOfTheirMaking) {
    const auto wanted = plan(network(R"(
interfaces:
  lab: {vlan: {link: trunk, id: 7}, addresses: [192.0.2.7/24]}
  br0: {bridge: {interfaces: [lab.9], stp: true, forward_delay: 4s}}
  lab.9: {vlan: {link: trunk, id: 9}}
  trunk: {bond: {interfaces: [slow, "mac=52:54:00:00:00:0b"], mode: 802.3ad, options: {miimon: 100, lacp_rate: fast}}, dhcp4: false}
  slow: {match: {name: eth0}, mtu: 9000}
)"),
                             {card(2, "eth0"), card(3, "eth1", "52:54:00:00:00:0b")});
    EXPECT_THAT(wanted.problems, IsEmpty());
    EXPECT_THAT(names(wanted), ElementsAre("br0<br0", "trunk<trunk", "lab<lab", "lab.9<lab.9", "eth0<slow", "eth1<"));
    EXPECT_THAT(asks(wanted), ElementsAre("br0 dhcp4 router (dhcp6)", "trunk router (dhcp6)", "lab router (dhcp6)",
                                          "lab.9", "eth0", "eth1"));
    EXPECT_EQ(wanted.find("lab.9")->master, "br0");
    EXPECT_EQ(wanted.find("lab")->vlan->link, "trunk");
    EXPECT_EQ(wanted.find("eth1")->master, "trunk");
    EXPECT_EQ(wanted.find("trunk")->bond->mode, 4);
    EXPECT_EQ(wanted.find("trunk")->bond->options[1], std::pair(std::string("lacp_rate"), std::string("fast")));
    EXPECT_EQ(wanted.find("br0")->bridge->forward_delay, 400U);
    EXPECT_TRUE(wanted.find("br0")->bridge->stp);
}

TEST(Plan, SaysWhatCannotBe) {
    const auto wanted = plan(network(R"(
interfaces:
  eth7: {}
  eth8: {optional: true}
  "b*": {bridge: {}}
  both: {bridge: {}, vlan: {link: eth0, id: 3}}
  v5: {vlan: {link: eth7, id: 5}}
  br0: {bridge: {interfaces: [eth9, br0]}}
  a: {vlan: {link: b, id: 1}}
  b: {vlan: {link: a, id: 1}}
  eth0: {addresses: [192.0.2.1], gateway4: "2001:db8::1", routes: [{to: 10.0.0.0/8, via: "2001:db8::1"}, {to: x}]}
)"),
                             {card(2, "eth0")});
    EXPECT_THAT(wanted.missing, ElementsAre("eth7", "b*", "both", "v5", "a", "b"));
    EXPECT_THAT(
        wanted.problems,
        ::testing::UnorderedElementsAre(
            "network.interfaces.eth7: no link here is meant by it",
            "network.interfaces.eth8: no link here is meant by it",
            HasSubstr("b*: is no name that a link can be made under"), HasSubstr("both: is a bond, a bridge or a VLAN"),
            HasSubstr("v5.vlan: eth7 is not there"), HasSubstr("br0.bridge.interfaces: eth9 is not there"),
            HasSubstr("br0.bridge.interfaces: it cannot be a member of itself"),
            HasSubstr("a: what it is made of is not there"), HasSubstr("b: what it is made of is not there"),
            HasSubstr("eth0.routes[0]: 10.0.0.0/8 and 2001:db8::1 are of two families"),
            HasSubstr("eth0.routes[1]: \"x\" is not an IP address")));
}

TEST(Plan, RoutesAndRules) {
    const auto wanted = plan(network(R"(
interfaces:
  eth0:
    addresses: [192.0.2.7/24]
    routes:
      - {to: 10.9.0.0/16, via: 192.0.2.1, from: 192.0.2.7, metric: 3, table: 100, mtu: 1300, on_link: true}
      - {to: 10.8.1.2/16, kind: blackhole}
      - {to: "2001:db8:1::/48", via: "2001:db8::1"}
      - {to: 198.51.100.7}
    rules:
      - {from: 192.0.2.0/24, table: 100, priority: 5, mark: 7}
      - {table: 101, mark: 1}
)"),
                             {card(2, "eth0")});
    EXPECT_THAT(wanted.problems, IsEmpty());
    const auto& routes = wanted.links[0].routes;
    ASSERT_EQ(routes.size(), 4U);
    EXPECT_EQ(routes[0], (WantedRoute{.to = {ip("10.9.0.0"), 16},
                                      .via = ip("192.0.2.1"),
                                      .from = ip("192.0.2.7"),
                                      .metric = 3,
                                      .table = 100,
                                      .mtu = 1300,
                                      .on_link = true}));
    EXPECT_EQ(routes[1], (WantedRoute{.to = {ip("10.8.0.0"), 16}, .via = {}, .from = {}, .kind = RTN_BLACKHOLE}));
    EXPECT_EQ(routes[2].metric, 512U);
    EXPECT_EQ(routes[3].to.prefix, 32U);
    const auto& rules = wanted.links[0].rules;
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0], (WantedRule{.from = {ip("192.0.2.0"), 24}, .to = {}, .table = 100, .mark = 7, .priority = 5}));
    EXPECT_EQ(rules[2].family, net::Address::Family::v6);
}

}  // namespace
}  // namespace diatom::uplink
