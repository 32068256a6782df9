#include "net/address.h"

#include <gtest/gtest.h>

namespace diatom::net {
namespace {

TEST(Address, ParsesBothFamilies) {
    EXPECT_EQ(Address::parse("172.17.0.2")->text(), "172.17.0.2");
    EXPECT_EQ(Address::parse("172.17.0.2")->family(), Address::Family::v4);
    EXPECT_EQ(Address::parse("fd00:0::2")->text(), "fd00::2");
    EXPECT_EQ(Address::parse("fd00::2")->size(), 16U);
    EXPECT_EQ(*Address::parse("10.0.0.1"), Address::v4(0x0a000001));
    EXPECT_TRUE(Address().empty());
    EXPECT_EQ(Address().text(), "");
}

TEST(Address, RefusesEverythingElse) {
    for (const std::string_view text :
         {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "fe80::1%eth0", ":::", "host", "1.2.3.4/8"}) {
        const auto result = Address::parse(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().kind(), Kind::invalid);
    }
    EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(Address, AddsAcrossBytes) {
    EXPECT_EQ(Address::parse("10.0.0.255")->plus(1).text(), "10.0.1.0");
    EXPECT_EQ(Address::parse("10.0.0.0")->plus(65536 + 2).text(), "10.1.0.2");
    EXPECT_EQ(Address::parse("fd00::ffff:ffff:ffff:ffff")->plus(1).text(), "fd00:0:0:1::");
    EXPECT_EQ(Address::parse("fd00::")->plus(~std::uint64_t{0}).text(), "fd00::ffff:ffff:ffff:ffff");
}

TEST(Subnet, ParsesAndContains) {
    const auto subnet = Subnet::parse("172.17.0.0/16");
    ASSERT_TRUE(subnet);
    EXPECT_EQ(subnet->text(), "172.17.0.0/16");
    EXPECT_TRUE(subnet->contains(*Address::parse("172.17.255.255")));
    EXPECT_FALSE(subnet->contains(*Address::parse("172.18.0.0")));
    EXPECT_FALSE(subnet->contains(*Address::parse("::")));
    EXPECT_FALSE(subnet->contains(Address()));
    EXPECT_TRUE(Subnet::parse("0.0.0.0/0")->contains(*Address::parse("8.8.8.8")));
    EXPECT_TRUE(Subnet::parse("10.0.0.8/29")->contains(*Address::parse("10.0.0.15")));
    EXPECT_FALSE(Subnet::parse("10.0.0.8/29")->contains(*Address::parse("10.0.0.16")));
    EXPECT_TRUE(Subnet::parse("fd00:1::/64")->contains(*Address::parse("fd00:1::ffff:0:0:1")));
    EXPECT_FALSE(Subnet::parse("fd00:1::/64")->contains(*Address::parse("fd00:1:0:1::1")));
}

TEST(Subnet, RefusesBadOnesAndSaysWhatWasMeant) {
    for (const std::string_view text :
         {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "x/8", "fd00::/129"}) {
        EXPECT_FALSE(Subnet::parse(text)) << text;
    }
    const auto host_bits = Subnet::parse("172.17.0.1/16");
    ASSERT_FALSE(host_bits);
    EXPECT_NE(host_bits.error().what().find("172.17.0.0/16"), std::string::npos);
}

}  // namespace
}  // namespace diatom::net
