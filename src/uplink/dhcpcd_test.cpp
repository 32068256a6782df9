#include "uplink/dhcpcd.h"

#include <gtest/gtest.h>

#include "uplink/testing/network.h"

namespace diatom::uplink {
namespace {

using testing::card;
using testing::network;

constexpr const char* kImage = "# Of the image.\ndenyinterfaces veth*\nhostname\nnoipv4ll\nnoarp\n\nduid\n";

std::string told(const std::string& document) {
    const std::vector links{card(2, "eth0"), card(3, "eth1"), card(4, "eth2"), card(5, "eth3")};
    return dhcpcd_configuration(plan(network(document), links), kImage);
}

TEST(Dhcpcd, HasTheImagesConfigurationWhereNothingIsSaidOfInterfaces) { EXPECT_EQ(told("dns: {search: [a]}"), kImage); }

TEST(Dhcpcd, IsToldWhoAsksWhat) {
    EXPECT_EQ(told(R"(
interfaces:
  eth0: {dhcp4: true, mtu: 1400}
  eth1: {addresses: [192.0.2.7/24], dhcp6: false}
  eth2: {dhcp6: true, accept_ra: false}
  eth3: {link_local: true, accept_ra: false}
)"),
              "hostname\nduid\nallowinterfaces eth0 eth1 eth2 eth3\n"
              "interface eth0\nnoipv4ll\nnoarp\nnooption interface_mtu\n"
              "interface eth1\nnoipv4\nnoipv4ll\nnodhcp6\n"
              "interface eth2\nnoipv4\nnoipv4ll\nnoipv6rs\nia_na\n"
              "interface eth3\nnodhcp\nnoipv6\n");
}

TEST(Dhcpcd, IsNotThereWhereNobodyAsks) {
    EXPECT_EQ(told("interfaces: {eth0: {addresses: [192.0.2.7/24], accept_ra: false}, br0: {bridge: {interfaces: "
                   "[eth1]}, dhcp4: false, accept_ra: false}}"),
              "");
}

}  // namespace
}  // namespace diatom::uplink
