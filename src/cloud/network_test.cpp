// The shapes of cloud-init's pages "Networking config Version 1" and "Version 2".
#include "cloud/network.h"

#include "cloud/interfaces.h"
#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using testing::read;
using testing::texts;

std::string interfaces(const std::string& text) {
    const auto translation = read_network_config(text, "network-config");
    EXPECT_TRUE(translation) << translation.error().what();
    EXPECT_THAT(texts(translation->warnings), IsEmpty()) << text;
    return json(translation->document.at("network"));
}

std::vector<std::string> warned(const std::string& text) {
    return texts(read_network_config(text, "network-config")->warnings);
}

TEST(NetworkV1, PhysicalInterfaces) {
    EXPECT_EQ(
        interfaces(R"(
version: 1
config:
  - type: physical
    name: interface0
    mac_address: "00:11:22:33:44:AA"
    mtu: 1450
    subnets:
      - {type: static, address: 192.168.23.14/27, gateway: 192.168.23.1, dns_nameservers: [192.168.23.2, 8.8.8.8], dns_search: [exemplary.maas]}
      - {type: static, address: 10.1.1.2, netmask: 255.255.255.0}
      - {type: static6, address: "2001:db8::2/64", gateway: "2001:db8::1"}
  - {type: physical, name: eth1, subnets: [{type: dhcp4, control: hotplug}, {type: ipv6_slaac}]}
  - {type: physical, name: eth2, subnets: [{type: dhcp6}]}
  - {type: loopback, name: lo, subnets: [{type: loopback}]}
)"),
        R"({"interfaces":{"interface0":{"match":{"mac":"00:11:22:33:44:aa"},"mtu":1450,)"
        R"("addresses":["192.168.23.14/27","10.1.1.2/24","2001:db8::2/64"],"gateway4":"192.168.23.1",)"
        R"("dns":{"servers":["192.168.23.2","8.8.8.8"],"search":["exemplary.maas"]},"gateway6":"2001:db8::1","dhcp4":false},)"
        R"("eth1":{"dhcp4":true,"optional":true,"accept_ra":true},"eth2":{"dhcp6":true,"dhcp4":false}}})");
}

TEST(NetworkV1, BondsBridgesVlans) {
    EXPECT_EQ(
        interfaces(R"(
network:
  version: 1
  config:
    - type: bond
      name: bond0
      mac_address: aa:bb:cc:dd:ee:ff
      bond_interfaces: [gbe0, gbe1]
      params: {bond-mode: active-backup, bond-miimon: 100, bond-arp_ip_target: [192.0.2.1, 192.0.2.2]}
      subnets: [{type: dhcp6}]
    - {type: bond, name: bond1, bond_interfaces: [a], params: {bond-mode: 4}}
    - {type: bridge, name: br0, bridge_interfaces: [jumbo0], params: {bridge_stp: 'off', bridge_fd: 0}, subnets: [{type: manual}]}
    - {type: vlan, name: bond0.200, vlan_link: bond0, vlan_id: 200, subnets: [{type: dhcp4}]}
)"),
        R"({"interfaces":{"bond0":{"mac":"aa:bb:cc:dd:ee:ff","bond":{"interfaces":["gbe0","gbe1"],"mode":"active-backup",)"
        R"("options":{"miimon":"100","arp_ip_target":"192.0.2.1,192.0.2.2"}},"dhcp6":true,"dhcp4":false},)"
        R"("bond1":{"bond":{"interfaces":["a"],"mode":"802.3ad"},"dhcp4":false},)"
        R"("br0":{"bridge":{"interfaces":["jumbo0"],"stp":false,"forward_delay":"0s"},"dhcp4":false},)"
        R"("bond0.200":{"vlan":{"link":"bond0","id":200},"dhcp4":true}}})");
}

TEST(NetworkV1, RoutesAndNameServers) {
    EXPECT_EQ(
        interfaces(R"(
version: 1
config:
  - {type: route, destination: 192.168.24.0/24, gateway: 192.168.23.1, metric: 3}
  - type: physical
    name: eth0
    subnets:
      - type: static
        address: 192.168.23.14/24
        gateway: 192.168.23.1
        metric: 10
        routes: [{gateway: 192.168.23.2, netmask: 255.0.0.0, network: 10.0.0.0}]
  - {type: nameserver, address: [192.168.23.2], search: [a]}
  - {type: nameserver, interface: eth0, address: 192.0.2.9}
)"),
        R"({"interfaces":{"eth0":{"addresses":["192.168.23.14/24"],"routes":[{"to":"default","via":"192.168.23.1","metric":10},)"
        R"({"to":"10.0.0.0/8","via":"192.168.23.2"},{"to":"192.168.24.0/24","via":"192.168.23.1","metric":3}],"dhcp4":false,)"
        R"("dns":{"servers":["192.0.2.9"]}}},"dns":{"servers":["192.168.23.2"],"search":["a"]}})");
}

TEST(NetworkV1, SaysWhatIsWrong) {
    EXPECT_THAT(
        warned("version: 1\nconfig:\n- {type: physical}\n- {type: wifi}\n- {type: physical, name: e, mtuu: 1}\n"
               "- {type: route, destination: 10.0.0.0/8, gateway: 10.9.9.9}\n"
               "- {type: physical, name: f, subnets: [{type: static}, {type: static, address: x}]}\n- x\n"),
        ElementsAre("network-config:3: config[0]: a name is missing", HasSubstr("config[1].type: must be physical"),
                    HasSubstr("config[2].mtuu: unknown key: did you mean \"mtu\"?"),
                    HasSubstr("config[4].subnets[0]: an address is missing"), HasSubstr("config[5]: must be a mapping"),
                    HasSubstr("config[3]: no interface above"),
                    HasSubstr("network-config:7: network.interfaces.f.addresses[0]: \"x/32\"")));
    EXPECT_THAT(warned("version: 3"), ElementsAre(HasSubstr("version: must be 1 or 2")));
    EXPECT_THAT(warned("config: disabled"), ElementsAre(HasSubstr("the network is not left to others")));
    EXPECT_THAT(warned("network: {version: 2}\nx: 1"), ElementsAre(HasSubstr("x: unknown key")));
    EXPECT_FALSE(read_network_config("a: [", "n"));
}

TEST(NetworkV2, TheExamplesOfThePage) {
    EXPECT_EQ(
        interfaces(R"(
network:
  version: 2
  ethernets:
    id0:
      match: {macaddress: '00:11:22:33:44:55'}
      wakeonlan: null
      dhcp4: true
      addresses: [192.168.14.2/24, "2001:1::1/64"]
      gateway4: 192.168.14.1
      gateway6: 2001:1::2
      nameservers: {search: [foo.local, bar.local], addresses: [8.8.8.8]}
      routes: [{to: 192.0.2.0/24, via: 11.0.0.1, metric: 3}, {to: default, via: 10.23.2.1, on-link: true}]
    lom: {match: {driver: ixgbe}, set-name: lom1, dhcp6: true, optional: true}
    switchports: {match: {name: "enp2*"}, mtu: 1280}
  bonds:
    bond0: {interfaces: [id0, lom], parameters: {mode: 802.3ad, lacp-rate: fast, mii-monitor-interval: 100}, dhcp4: yes}
  bridges:
    br0: {interfaces: [switchports], dhcp4: true, parameters: {stp: false, forward-delay: 4}}
  vlans:
    en-intra: {id: 1, link: id0, dhcp4: yes}
    en-vpn: {id: 2, link: lom, addresses: [192.0.2.7/24], macaddress: "52:54:00:AA:00:01"}
)"),
        R"({"interfaces":{"id0":{"match":{"mac":"00:11:22:33:44:55"},"dhcp4":true,"addresses":["192.168.14.2/24","2001:1::1/64"],)"
        R"("gateway4":"192.168.14.1","gateway6":"2001:1::2","routes":[{"to":"192.0.2.0/24","via":"11.0.0.1","metric":3},)"
        R"({"to":"default","via":"10.23.2.1","on_link":true}],"dns":{"servers":["8.8.8.8"],"search":["foo.local","bar.local"]}},)"
        R"("lom1":{"match":{"driver":"ixgbe"},"dhcp4":false,"dhcp6":true,"optional":true},)"
        R"("switchports":{"match":{"name":"enp2*"},"dhcp4":false,"mtu":1280},)"
        R"("bond0":{"dhcp4":true,"bond":{"interfaces":["id0","lom1"],"mode":"802.3ad","options":{"lacp_rate":"fast","miimon":"100"}}},)"
        R"("br0":{"dhcp4":true,"bridge":{"interfaces":["switchports"],"stp":false,"forward_delay":"4s"}},)"
        R"("en-intra":{"dhcp4":true,"vlan":{"id":1,"link":"id0"}},)"
        R"("en-vpn":{"dhcp4":false,"addresses":["192.0.2.7/24"],"mac":"52:54:00:aa:00:01","vlan":{"id":2,"link":"lom1"}}}})");
}

TEST(NetworkV2, NamesThatNoInterfaceMayHave) {
    EXPECT_EQ(interfaces("version: 2\nethernets:\n  all the cards in slot two: {match: {name: 'enp2s*'}, dhcp4: true}\n"
                         "  a very long name for one: {match: {macaddress: 'AA:00:00:00:00:01'}}\nbridges: {br0: "
                         "{interfaces: [a very long name for one]}}\n"),
              R"({"interfaces":{"enp2s*":{"match":{"name":"enp2s*"},"dhcp4":true},)"
              R"("mac=aa:00:00:00:00:01":{"match":{"mac":"aa:00:00:00:00:01"},"dhcp4":false},)"
              R"("br0":{"dhcp4":false,"bridge":{"interfaces":["mac=aa:00:00:00:00:01"],"stp":true}}}})");
}

TEST(NetworkV2, PolicyAndLinkLocal) {
    EXPECT_EQ(
        interfaces(
            "version: 2\nethernets: {eth0: {link-local: [ipv4], accept-ra: no, addresses: [{192.0.2.1/24: null}],\n"
            "  routes: [{to: 0.0.0.0/0, via: 192.0.2.254, table: 101, type: unicast}],\n"
            "  routing-policy: [{from: 192.0.2.1, table: 101, priority: 5, mark: 7}]}}"),
        R"({"interfaces":{"eth0":{"dhcp4":false,"accept_ra":false,"addresses":["192.0.2.1/24"],)"
        R"("routes":[{"to":"0.0.0.0/0","via":"192.0.2.254","table":101,"kind":"unicast"}],)"
        R"("rules":[{"from":"192.0.2.1/32","table":101,"priority":5,"mark":7}],"link_local":true}}})");
}

TEST(NetworkV2, SaysWhatIsWrong) {
    EXPECT_THAT(warned("version: 2\nrenderer: networkd\nwifis: {}\nethernets:\n  eth0: {dhcp: true, dhcp4-overrides: "
                       "{use-dns: false}}\n"
                       "bonds: {b: {interfaces: [eth0], parameters: {mode: fast, lacp-rat: fast}}}\n"),
                ElementsAre(HasSubstr("renderer: the network is set up by the system"),
                            HasSubstr("wifis: the kernel has no wireless"),
                            HasSubstr("ethernets.eth0.dhcp: unknown key: did you mean \"dhcp4\"?"),
                            HasSubstr("dhcp4-overrides: what DHCP offers is taken whole"),
                            HasSubstr("bonds.b.parameters.mode: is no mode"),
                            HasSubstr("lacp-rat: unknown key: did you mean \"lacp_rate\"?")));
}

TEST(NetworkKey, OfACloudConfig) {
    EXPECT_EQ(json(testing::translated("network: {version: 2, ethernets: {eth0: {dhcp4: true}}}")),
              R"({"network":{"interfaces":{"eth0":{"dhcp4":true}}}})");
    EXPECT_EQ(json(testing::translated(
                  "network: {version: 1, config: [{type: physical, name: eth0, subnets: [{type: dhcp}]}]}")),
              R"({"network":{"interfaces":{"eth0":{"dhcp4":true}}}})");
}

TEST(Interfaces, MasksAndNetworks) {
    EXPECT_EQ(prefix_of_mask("255.255.255.0"), 24);
    EXPECT_EQ(prefix_of_mask("0.0.0.0"), 0);
    EXPECT_EQ(prefix_of_mask("ffff:ff00::"), 24);
    EXPECT_EQ(prefix_of_mask("64"), 64);
    EXPECT_EQ(prefix_of_mask("255.0.255.0"), std::nullopt);
    EXPECT_EQ(prefix_of_mask("x"), std::nullopt);
    EXPECT_TRUE(is_inside("192.0.2.200", "192.0.2.1/24"));
    EXPECT_FALSE(is_inside("192.0.3.1", "192.0.2.1/24"));
    EXPECT_FALSE(is_inside("2001:db8::1", "192.0.2.1/0"));
    EXPECT_TRUE(is_inside("2001:db8::1", "2001:db8::/32"));
}

}  // namespace
}  // namespace diatom::cloud
