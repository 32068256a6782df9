#include "uplink/names.h"

#include <gmock/gmock.h>

#include "sys/file.h"
#include "tests/support/temp_dir.h"
#include "uplink/testing/network.h"

namespace diatom::uplink {
namespace {

using testing::card;
using testing::network;
using ::testing::UnorderedElementsAre;

Wanted wanted(const std::string& document) { return plan(network(document), {card(2, "eth0"), card(3, "eth0.5")}); }

TEST(NameRecords, WhatIsSaidForAllComesFirst) {
    const auto records = name_records(wanted(R"(
dns: {servers: [192.0.2.53], search: [corp.example, "two words"]}
interfaces: {eth0: {dns: {servers: ["fe80::1", "2001:db8::1"]}}, eth0.5: {}}
)"));
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records.begin()->second, "nameserver 192.0.2.53\nsearch corp.example\n");
    EXPECT_EQ(records.rbegin()->second, "nameserver fe80::1%eth0\nnameserver 2001:db8::1\n");
}

TEST(NameRecords, LeasesOfWhoAsksNoMoreGo) {
    const test::TempDir home;
    for (const auto* name : {"eth0.dhcp", "eth0.5.dhcp", "eth7.ra"}) ASSERT_TRUE(sys::write_file(home / name, ""));
    const auto one = wanted("dns: {search: [a]}\ninterfaces: {eth0: {}, eth0.5: {dhcp4: false, accept_ra: false}}");
    EXPECT_TRUE(*write_name_records(home.path(), one));
    EXPECT_THAT(*sys::list_dir(home.path()), UnorderedElementsAre("!.configuration", "eth0.dhcp"));
    EXPECT_FALSE(*write_name_records(home.path(), one));
    EXPECT_TRUE(*write_name_records(home.path(), wanted("interfaces: {eth0: {dhcp4: false, accept_ra: false}}")));
    EXPECT_TRUE(sys::list_dir(home.path())->empty());
}

}  // namespace
}  // namespace diatom::uplink
