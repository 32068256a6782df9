#include <gtest/gtest.h>

#include "net/network.h"

namespace diatom::net {
namespace {

Pool pool(const char* subnet, const char* gateway) {
    return {.subnet = *Subnet::parse(subnet), .gateway = *gateway != 0 ? *Address::parse(gateway) : Address()};
}

TEST(AddressPool, GivesTheNextAfterTheLastOneAndWrapsAround) {
    AddressPool addresses(pool("10.0.0.0/29", "10.0.0.1"));
    for (const char* expected : {"10.0.0.2", "10.0.0.3", "10.0.0.4"}) EXPECT_EQ(addresses.take()->text(), expected);
    addresses.release(*Address::parse("10.0.0.2"));
    EXPECT_EQ(addresses.take()->text(), "10.0.0.5");
    EXPECT_EQ(addresses.take()->text(), "10.0.0.6");
    EXPECT_EQ(addresses.take()->text(), "10.0.0.2");
    EXPECT_EQ(addresses.in_use(), 5U);
    const auto full = addresses.take();
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind(), Kind::exhausted);
    addresses.release(*Address::parse("10.0.0.4"));
    EXPECT_EQ(addresses.take()->text(), "10.0.0.4");
}

TEST(AddressPool, ReservesAGivenAddressOnce) {
    AddressPool addresses(pool("172.17.0.0/16", "172.17.0.1"));
    EXPECT_TRUE(addresses.take(*Address::parse("172.17.0.2")));
    EXPECT_EQ(addresses.take(*Address::parse("172.17.0.2")).error().kind(), Kind::conflict);
    EXPECT_EQ(addresses.take(*Address::parse("172.17.0.1")).error().kind(), Kind::conflict);
    EXPECT_EQ(addresses.take(*Address::parse("172.18.0.2")).error().kind(), Kind::invalid);
    EXPECT_EQ(addresses.take(*Address::parse("172.17.0.0")).error().kind(), Kind::invalid);
    EXPECT_EQ(addresses.take(*Address::parse("172.17.255.255")).error().kind(), Kind::invalid);
    EXPECT_TRUE(addresses.take(*Address::parse("172.17.1.0")));
    EXPECT_EQ(addresses.take()->text(), "172.17.0.3");
}

TEST(AddressPool, ReleasingTwiceOrAnUnknownAddressDoesNothing) {
    AddressPool addresses(pool("10.0.0.0/24", "10.0.0.1"));
    const auto first = addresses.take();
    addresses.release(*first);
    addresses.release(*first);
    addresses.release(*Address::parse("192.0.2.1"));
    EXPECT_EQ(addresses.in_use(), 0U);
}

TEST(AddressPool, KnowsIpv6AndTheSmallestSubnets) {
    AddressPool six(pool("fd00::/64", "fd00::1"));
    EXPECT_EQ(six.take()->text(), "fd00::2");
    EXPECT_TRUE(six.take(*Address::parse("fd00::ffff:ffff:ffff:ffff")));
    EXPECT_EQ(six.take(*Address::parse("fd00::")).error().kind(), Kind::invalid);
    AddressPool wide(pool("fd00::/8", "fd00::1"));
    EXPECT_EQ(wide.take()->text(), "fd00::2");
    AddressPool pair(pool("10.0.0.0/31", "10.0.0.0"));
    EXPECT_EQ(pair.take()->text(), "10.0.0.1");
    EXPECT_FALSE(pair.take());
    AddressPool single(pool("10.0.0.7/32", ""));
    EXPECT_EQ(single.take()->text(), "10.0.0.7");
    EXPECT_FALSE(single.take());
}

TEST(AddressPool, GivesEveryAddressOfASubnet) {
    AddressPool addresses(pool("10.1.0.0/20", "10.1.15.254"));
    for (int i = 0; i < 4093; ++i) ASSERT_TRUE(addresses.take()) << i;
    EXPECT_FALSE(addresses.take());
}

TEST(AddressPool, GivesWhatItsRangeHoldsAndNothingReserved) {
    AddressPool pool({.subnet = *Subnet::parse("10.88.0.0/16"),
                      .gateway = *Address::parse("10.88.5.2"),
                      .range = *Subnet::parse("10.88.5.0/29"),
                      .reserved = {{"printer", *Address::parse("10.88.5.1")}}});
    std::vector<std::string> given;
    for (;;) {
        const auto address = pool.take();
        if (!address) break;
        given.push_back(address->text());
    }
    EXPECT_EQ(given,
              (std::vector<std::string>{"10.88.5.0", "10.88.5.3", "10.88.5.4", "10.88.5.5", "10.88.5.6", "10.88.5.7"}));
    EXPECT_TRUE(pool.take(*Address::parse("10.88.9.9"))) << "asked for by name, it may lie outside the range";
    EXPECT_FALSE(pool.take(*Address::parse("10.88.5.1"))) << "reserved";
}

}  // namespace
}  // namespace diatom::net
