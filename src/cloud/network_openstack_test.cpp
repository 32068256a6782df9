// The shapes of nova's page "Metadata" and of the schema that it refers to.
#include "cloud/network.h"

#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using testing::texts;

std::string interfaces(const std::string& text) {
    const auto translation = read_openstack_network(text, "network_data.json");
    EXPECT_TRUE(translation) << translation.error().what();
    EXPECT_THAT(texts(translation->warnings), IsEmpty()) << text;
    return json(translation->document.at("network"));
}

TEST(OpenStackNetwork, CardsByTheirAddresses) {
    EXPECT_EQ(
        interfaces(R"({
"links": [
  {"id": "tap2ecc7709-b3f", "vif_id": "x", "type": "ovs", "mtu": 1450, "ethernet_mac_address": "FA:16:3E:00:00:01"},
  {"id": "interface1", "type": "phy", "mtu": null, "ethernet_mac_address": "a0:36:9f:2c:e8:80"}],
"networks": [
  {"id": "private-ipv4", "type": "ipv4", "link": "tap2ecc7709-b3f", "network_id": "n", "ip_address": "10.184.0.244",
   "netmask": "255.255.240.0", "routes": [{"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "11.0.0.1"},
     {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "23.253.157.1"}],
   "services": [{"type": "dns", "address": "8.8.4.4"}]},
  {"id": "private-ipv6", "type": "ipv6", "link": "tap2ecc7709-b3f", "ip_address": "2001:cdba::3257:9652/24",
   "routes": [{"network": "::", "netmask": "::", "gateway": "fd00::1"}]},
  {"id": "n1", "type": "ipv4_dhcp", "link": "interface1"}, {"id": "n2", "type": "ipv6_slaac", "link": "interface1"}],
"services": [{"type": "dns", "address": "8.8.8.8"}, {"type": "ntp", "address": "192.0.2.1"}]})"),
        R"({"interfaces":{"mac=fa:16:3e:00:00:01":{"dhcp4":false,"mtu":1450,)"
        R"("addresses":["10.184.0.244/20","2001:cdba::3257:9652/24"],)"
        R"("routes":[{"to":"10.0.0.0/8","via":"11.0.0.1"},{"to":"default","via":"23.253.157.1"},{"to":"default","via":"fd00::1"}],)"
        R"("dns":{"servers":["8.8.4.4"]}},)"
        R"("mac=a0:36:9f:2c:e8:80":{"dhcp4":true,"accept_ra":true}},"dns":{"servers":["8.8.8.8"]}})");
}

TEST(OpenStackNetwork, BondsAndVlans) {
    EXPECT_EQ(
        interfaces(R"({"links": [
  {"id": "vlan-of-the-tenant-7", "type": "vlan", "vlan_link": "bond0", "vlan_id": 101, "vlan_mac_address": "A0:36:9F:2C:E8:82"},
  {"id": "bond0", "type": "bond", "bond_links": ["i0", "i1"], "bond_mode": "802.3ad", "bond_miimon": 100,
   "bond_xmit_hash_policy": "layer3+4", "ethernet_mac_address": "a0:36:9f:2c:e8:80"},
  {"id": "i0", "type": "phy", "ethernet_mac_address": "a0:36:9f:2c:e8:80"},
  {"id": "i1", "type": "phy", "ethernet_mac_address": "a0:36:9f:2c:e8:81"}],
"networks": [{"id": "n", "type": "ipv6_dhcpv6-stateful", "link": "vlan-of-the-tenant-7"}]})"),
        R"({"interfaces":{"vlan0":{"dhcp4":false,"mac":"a0:36:9f:2c:e8:82","vlan":{"link":"bond0","id":101},"dhcp6":true},)"
        R"("bond0":{"dhcp4":false,"mac":"a0:36:9f:2c:e8:80","bond":{"interfaces":["mac=a0:36:9f:2c:e8:80","mac=a0:36:9f:2c:e8:81"],)"
        R"("mode":"802.3ad","options":{"miimon":"100","xmit_hash_policy":"layer3+4"}}},)"
        R"("mac=a0:36:9f:2c:e8:80":{"dhcp4":false},"mac=a0:36:9f:2c:e8:81":{"dhcp4":false}}})");
}

TEST(OpenStackNetwork, SaysWhatIsWrong) {
    const auto translation = read_openstack_network(
        R"({"links": [{"id": "a", "type": "phy"}, 7, {"id": "b", "ethernet_mac_address": "a0:36:9f:2c:e8:80"}],
            "networks": [{"link": "a"}, {"link": "b", "type": "ipv5"}, {"link": "b", "type": "ipv4"}], "more": 1})",
        "network_data.json");
    ASSERT_TRUE(translation);
    EXPECT_THAT(
        texts(translation->warnings),
        ElementsAre(HasSubstr("more: unknown key"), HasSubstr("links[0]: a hardware address is missing"),
                    HasSubstr("links[1]: must be an object"), HasSubstr("links[1]: must be an object"),
                    HasSubstr("networks[0].link: no link has this id"), HasSubstr("networks[1].type: must be ipv4"),
                    HasSubstr("networks[2]: an address is missing")));
    EXPECT_FALSE(read_openstack_network("{", "n"));
}

}  // namespace
}  // namespace diatom::cloud
