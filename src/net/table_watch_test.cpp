// What other programs do to our table is noticed and mended; what we do ourselves wakes nobody.
#include <gtest/gtest.h>
#include <poll.h>

#include "net/fixture.h"

namespace diatom::net::testing {
namespace {

class TableWatching : public HostTest {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(network().ensure_bridge(bridge_));
        auto changes = network().watch();
        ASSERT_TRUE(changes) << changes.error().what();
        changes_ = std::move(*changes);
        ASSERT_TRUE(network().publish("web", {port(8080)}, {ip("172.17.0.2"), ip("fd17::2")}));
        whole_ = table();
    }
    void TearDown() override {
        changes_.reset();
        HostTest::TearDown();
    }

    static PortMapping port(std::uint16_t number) { return {.host_port = number, .container_port = 80}; }
    std::string table() { return run("nft list table inet diatom"); }
    // The kernel tells within the call that changes.
    bool told() const {
        pollfd poll{.fd = changes_.raw(), .events = POLLIN, .revents = 0};
        return ::poll(&poll, 1, 0) == 1;
    }

    BridgeSpec bridge_ = bridge_spec();
    Fd changes_;
    std::string whole_;
};

TEST_F(TableWatching, WhatOthersDeleteComesBack) {
    for (const char* change :
         {"flush ruleset", "delete table inet diatom", "flush table inet diatom", "flush chain inet diatom forward",
          "flush chain inet diatom published", "flush map inet diatom ports4",
          "delete element inet diatom ports6 { tcp . 8080 }", "flush set inet diatom bridges",
          "add rule inet diatom forward drop", "add element inet diatom ports4 { tcp . 9 : 172.17.0.9 . 9 }"}) {
        run(std::string("nft '") + change + "'");
        EXPECT_NE(run("nft list ruleset inet"), whole_) << change;
        EXPECT_TRUE(told()) << change;
        const auto repaired = network().repair();
        ASSERT_TRUE(repaired) << change << ": " << repaired.error().what();
        EXPECT_TRUE(*repaired) << change;
        EXPECT_EQ(table(), whole_) << change;
        EXPECT_FALSE(told()) << change;
        EXPECT_FALSE(*network().repair()) << change;
    }
}

TEST_F(TableWatching, OurOwnChangesAreNotTold) {
    ASSERT_TRUE(network().publish("web", {port(8081)}, {ip("172.17.0.2"), ip("fd17::2")}));
    ASSERT_TRUE(network().ensure_bridge(bridge_spec("other0", 18)));
    ASSERT_TRUE(network().unpublish("web"));
    ASSERT_TRUE(network().restore());
    EXPECT_FALSE(told());
    EXPECT_FALSE(*network().repair());
}

TEST_F(TableWatching, WhatIsTheirsIsLeftAlone) {
    for (const char* change :
         {"add rule inet diatom user ip saddr 192.0.2.0/24 drop", "add set inet diatom theirs { type ipv4_addr; }",
          "add element inet diatom theirs { 192.0.2.1 }", "add chain inet diatom mine",
          "add rule inet diatom mine drop", "add table inet firewall",
          "add chain inet firewall forward { type filter hook forward priority 0; }", "delete table inet firewall"}) {
        run(std::string("nft '") + change + "'");
        EXPECT_FALSE(*network().repair()) << change;
    }
    const auto theirs = table();
    run("nft flush chain inet diatom forward");
    ASSERT_TRUE(*network().repair());
    EXPECT_EQ(table(), theirs) << "rules of the chain user, and sets and chains of others, outlive a repair";
}

TEST_F(TableWatching, MessagesThatTheKernelCouldNotKeepCountAsAChange) {
    // A socket holds a few hundred KiB of notifications.
    run("nft add table inet firewall; nft 'add set inet firewall many { type ipv4_addr; }'; "
        "i=0; while [ $i -lt 250 ]; do j=0; while [ $j -lt 250 ]; do echo \"add element inet firewall many { "
        "10.9.$i.$j }\"; j=$((j+1)); done; i=$((i+1)); done | nft -f -");
    EXPECT_TRUE(told());
    EXPECT_TRUE(*network().repair());
    EXPECT_EQ(table(), whole_);
    EXPECT_FALSE(*network().repair());
}

}  // namespace
}  // namespace diatom::net::testing
