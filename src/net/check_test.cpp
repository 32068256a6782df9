// Each thing that may be wrong with a network, made by hand and found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/fixture.h"

namespace diatom::net::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Check : public HostTest {
protected:
    void SetUp() override {
        HostTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(network().ensure_bridge(bridge));
        web = make_container(bridge, 2);
        const PortMapping port{.protocol = Protocol::tcp, .host = {}, .host_port = 8080, .container_port = 80};
        ASSERT_TRUE(network().publish(web.id, {port}, {web.four, web.six}));
    }
    std::vector<EndpointName> endpoints() const { return {{web.id, "eth0"}}; }
    // "WHAT: WHERE"
    std::vector<std::string> check(const std::vector<EndpointName>& known) {
        auto found = network().check(known);
        EXPECT_TRUE(found) << found.error().what();
        std::vector<std::string> texts;
        for (const auto& finding : found.value_or(Findings())) texts.push_back(finding.what + ": " + finding.where);
        return texts;
    }
    std::vector<std::string> check() { return check(endpoints()); }

    BridgeSpec bridge = bridge_spec();
    Container web;
};

TEST_F(Check, NothingIsFoundWhereAllIsRight) {
    PortMapping one{.protocol = Protocol::udp, .host = ip("127.0.0.1"), .host_port = 53, .container_port = 5353};
    ASSERT_TRUE(network().publish("dns", {one}, {web.four}));
    ASSERT_TRUE(network().ensure_bridge(bridge_spec("other0", 30)));
    EXPECT_THAT(check(), IsEmpty());
    auto restarted = LinuxNetwork::open("diatom");
    ASSERT_TRUE(restarted);
    ASSERT_TRUE((*restarted)->ensure_bridge(bridge));
    EXPECT_THAT(*(*restarted)->check(endpoints()), ::testing::Not(IsEmpty())) << "the ports are nobody's now";
    ASSERT_TRUE((*restarted)->restore());
    EXPECT_THAT(*(*restarted)->check(endpoints()), SizeIs(1)) << "and other0, which it does not know";
}

TEST_F(Check, FindsPairsOfNobody) {
    EXPECT_THAT(check({}), ElementsAre(HasSubstr("a veth pair that belongs to no running container: veth")));
    run("ip link add veth0000001 type veth peer name inner; ip link set veth0000001 master docker0");
    EXPECT_THAT(check(), ElementsAre(HasSubstr("veth0000001 (no alias)")));
    ASSERT_TRUE(network().remove_strays(endpoints()));
    EXPECT_THAT(check(), IsEmpty());
    EXPECT_TRUE(*network().is_attached({web.id, "eth0"}));
    EXPECT_FALSE(*network().is_attached({web.id, "eth1"}));
    run("ip link add veth0000001 type veth peer name inner");
    EXPECT_THAT(check(), IsEmpty()) << "one that is not ours";
}

TEST_F(Check, FindsWhatIsMissing) {
    EXPECT_THAT(check({{web.id, "eth0"}, {web.id, "eth1"}}),
                ElementsAre(HasSubstr("the interface of a running container is missing: eth1")));
    EXPECT_THAT(check({{web.id, "eth0"}, {web.id, "eth1", true}}), IsEmpty());
    run("ip link set docker0 down");
    EXPECT_THAT(check(), ElementsAre("the bridge of a network is missing or down: docker0"));
}

TEST_F(Check, FindsBridgesOfNobodyButNotThoseOfAnotherEngine) {
    auto other = LinuxNetwork::open("diatom-other");
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->ensure_bridge(bridge_spec("other0", 30)));
    const Where inside = make_namespace();
    ASSERT_TRUE((*other)->attach(bridge_spec("other0", 30), {.container = "its", .addresses = {}}, *inside));
    EXPECT_THAT(check(), IsEmpty());
    ASSERT_TRUE(network().remove_strays(endpoints()));
    EXPECT_THAT(*(*other)->check({{"its", "eth0"}}), IsEmpty());
    run("ip link add lost0 type bridge; ip link set lost0 alias 'diatom network'");
    EXPECT_THAT(check(), ElementsAre("an interface that belongs to no network: lost0"));
}

TEST_F(Check, FindsElementsByTheirPort) {
    run("nft add element inet diatom ports4 '{ tcp . 99 : 172.17.0.9 . 9 }'");
    run("nft add element inet diatom host4 '{ 127.0.0.1 . udp . 98 : 172.17.0.9 . 9 }'");
    run("nft add element inet diatom bridges '{ lost0 }'");
    const std::string what = "an nftables element that belongs to no network and no container: table inet diatom, set ";
    EXPECT_THAT(check(), ::testing::UnorderedElementsAre(what + "ports4: tcp 99", what + "host4: 127.0.0.1 udp 98",
                                                         what + "bridges: lost0"));
    ASSERT_TRUE(network().restore());
    run("nft delete element inet diatom ports6 '{ tcp . 8080 }'");
    EXPECT_THAT(check(), ElementsAre("an nftables element is missing: table inet diatom, set ports6: tcp 8080"));
    run("nft flush chain inet diatom forward");
    EXPECT_THAT(check(), ElementsAre("rules of the engine are missing: table inet diatom"));
}

}  // namespace
}  // namespace diatom::net::testing
