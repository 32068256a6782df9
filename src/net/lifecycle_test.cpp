// What remains, what comes back and what a change costs.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/endpoint.h"
#include "net/fixture.h"
#include "net/namespace.h"
#include "net/ruleset.h"
#include "sys/file.h"

namespace diatom::net::testing {
namespace {

class Lifecycle : public HostTest {
protected:
    BridgeSpec bridge = bridge_spec();
    PortMapping tcp(std::uint16_t host, std::uint16_t container) {
        return {.protocol = Protocol::tcp, .host = {}, .host_port = host, .container_port = container};
    }
    std::vector<Address> targets(unsigned last) {
        return {bridge.pools[0].subnet.base.plus(last), bridge.pools[1].subnet.base.plus(last)};
    }
    std::string table() { return run("nft list table inet diatom"); }
};

TEST_F(Lifecycle, TheTableIsWhatNftUnderstands) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    ASSERT_TRUE(network().publish("web", {tcp(8080, 80)}, targets(2)));
    PortMapping one = tcp(53, 5353);
    one.protocol = Protocol::udp;
    one.host = ip("127.0.0.1");
    ASSERT_TRUE(network().publish("dns", {one}, targets(3)));
    const std::string text = table();
    for (const char* expected :
         {"tcp . 8080 : 172.17.0.2 . 80", "tcp . 8080 : fd17::2 . 80", "127.0.0.1 . udp . 53 : 172.17.0.3 . 5353",
          "\"docker0\" . \"docker0\"", "172.17.0.0/16", "fd17::/64", "type ifname . ifname",
          "never changed by the engine", "dnat ip to meta l4proto . th dport map @ports4",
          "dnat ip6 to ip6 daddr . meta l4proto . th dport map @host6", "fib daddr type local jump published",
          "ip daddr 127.0.0.0/8 iif != \"lo\" drop"}) {
        EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
    }
}

TEST_F(Lifecycle, ATableThatSomebodyFlushedComesBack) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    ASSERT_TRUE(network().publish(web.id, {tcp(8080, 80)}, targets(2)));
    const std::string before = table();
    EXPECT_TRUE(*network().table_present());
    run("nft flush table inet diatom");
    EXPECT_FALSE(*network().table_present());
    run("nft flush ruleset");
    EXPECT_FALSE(*network().table_present());
    EXPECT_FALSE(talk(kHost, ip("127.0.0.1"), 8080, server));
    ASSERT_TRUE(network().restore());
    EXPECT_TRUE(*network().table_present());
    EXPECT_EQ(table(), before);
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
    // A change notices by itself.
    run("nft flush ruleset");
    ASSERT_TRUE(network().publish("other", {tcp(8081, 80)}, targets(3)));
    EXPECT_TRUE(*network().table_present());
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
    run("nft flush ruleset");
    ASSERT_TRUE(network().unpublish("other"));
    EXPECT_EQ(table(), before);
}

TEST_F(Lifecycle, ARestartedEngineKeepsPortsOpenUntilItHasClaimedThem) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    ASSERT_TRUE(network().publish(web.id, {tcp(8080, 80)}, targets(2)));
    ASSERT_TRUE(network().publish("gone", {tcp(8081, 80)}, targets(2)));
    auto restarted = LinuxNetwork::open("diatom");
    ASSERT_TRUE(restarted) << restarted.error().what();
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
    ASSERT_TRUE((*restarted)->ensure_bridge(bridge));
    ASSERT_TRUE((*restarted)->publish(web.id, {tcp(8080, 80)}, targets(2)));
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
    // The port of a container that is gone goes to another one at another address.
    ASSERT_TRUE((*restarted)->publish("new", {tcp(8081, 81)}, targets(9)));
    EXPECT_NE(table().find("tcp . 8081 : 172.17.0.9 . 81"), std::string::npos);
    ASSERT_TRUE((*restarted)->unpublish("new"));
    ASSERT_TRUE((*restarted)->restore());
    EXPECT_EQ(table().find("8081"), std::string::npos);
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
    // The containers' links are found again by their alias.
    ASSERT_TRUE((*restarted)->detach(web.id, "eth0"));
    EXPECT_EQ(run("ip -o link show type veth"), "");
}

TEST_F(Lifecycle, NothingRemains) {
    const std::string empty = (network(), table());
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto web = make_container(bridge, 2);
    ASSERT_TRUE(network().publish(web.id, {tcp(8080, 80), tcp(8081, 81)}, targets(2)));
    ASSERT_TRUE(network().publish(web.id, {tcp(8081, 82)}, targets(2)));
    EXPECT_EQ(table().find("8080"), std::string::npos);
    ASSERT_TRUE(network().unpublish(web.id));
    ASSERT_TRUE(network().unpublish(web.id));
    ASSERT_TRUE(network().detach(web.id, "eth0"));
    ASSERT_TRUE(network().detach(web.id, "eth0"));
    ASSERT_TRUE(network().remove_bridge("docker0"));
    ASSERT_TRUE(network().remove_bridge("docker0"));
    EXPECT_EQ(table(), empty);
    EXPECT_EQ(run("ip -o link show type veth; ip -o link show type bridge"), "");
    EXPECT_EQ(run("ip -o link | grep -v ' lo' || :", web.where), "");
}

TEST_F(Lifecycle, ThirtyTwoPortsCostTheSameBesidesTwoThousand) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto cost = [&](const std::string& container, unsigned last, unsigned first, unsigned count) {
        std::vector<PortMapping> mappings;
        for (unsigned i = 0; i < count; ++i) mappings.push_back(tcp(static_cast<std::uint16_t>(first + i), 80));
        const auto before = network().nft_messages();
        const auto result = network().publish(container, mappings, targets(last));
        EXPECT_TRUE(result) << result.error().what();
        return network().nft_messages() - before;
    };
    const auto alone = cost("first", 2, 1000, 32);
    ASSERT_TRUE(network().unpublish("first"));
    for (unsigned i = 0; i < 20; ++i) cost(std::format("c{}", i), 10 + i, 10000 + 100 * i, 100);
    const auto crowded = cost("first", 2, 1000, 32);
    EXPECT_EQ(alone, crowded);
    EXPECT_EQ(crowded, 4U);  // begin, one message of elements for each IP version, end
    ASSERT_TRUE(network().restore());
    EXPECT_EQ(run("nft -j list map inet diatom ports4 | grep -o concat | wc -l"), std::format("{}\n", 2032 * 2));
}

TEST_F(Lifecycle, APortIsPublishedOnce) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    ASSERT_TRUE(network().publish("one", {tcp(8080, 80)}, targets(2)));
    const std::string before = table();
    const auto taken = network().publish("two", {tcp(8081, 80), tcp(8080, 80)}, targets(3));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind(), Kind::conflict);
    EXPECT_NE(taken.error().what().find("port is already allocated"), std::string::npos);
    EXPECT_EQ(table(), before);
    const auto impossible = network().publish("two", {tcp(8081, 80)}, {});
    ASSERT_FALSE(impossible);
    EXPECT_EQ(impossible.error().kind(), Kind::invalid);
    ASSERT_TRUE(network().unpublish("one"));
    EXPECT_TRUE(network().publish("two", {tcp(8080, 80)}, targets(3)));
}

TEST_F(Lifecycle, EnsuringABridgeRepairsIt) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto mac = run("cat /proc/sys/net/ipv4/ip_forward; ip -o link show docker0 | grep -o 'ether [^ ]*'");
    EXPECT_EQ(mac, "1\nether 02:42:ac:11:00:01\n");
    run("ip link set docker0 down mtu 1300; ip addr flush dev docker0; ip addr add 172.30.0.1/24 dev docker0");
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto text = run("ip addr show docker0");
    for (const char* expected : {"mtu 1500", "172.17.0.1/16", "fd17::1/64", "172.30.0.1/24", ",UP"}) {
        EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
    }
    bridge.isolate = true;
    bridge.pools.pop_back();
    ASSERT_TRUE(network().ensure_bridge(bridge));
    EXPECT_EQ(table().find("fd17"), std::string::npos);
    EXPECT_EQ(table().find("\"docker0\" . \"docker0\""), std::string::npos);
    EXPECT_EQ(run("cat /proc/sys/net/ipv6/conf/docker0/disable_ipv6"), "1\n");
}

TEST_F(Lifecycle, AnInterfaceOfAnotherKindIsLeftAlone) {
    run("ip link add mine type veth peer name minepeer");
    const auto spec = bridge_spec("mine");
    EXPECT_EQ(network().ensure_bridge(spec).error().kind(), Kind::conflict);
    EXPECT_EQ(network().remove_bridge("mine").error().kind(), Kind::conflict);
    for (const char* name : {"", "sixteen-bytes-xx", "a/b", "..", "a b"}) {
        EXPECT_EQ(network().ensure_bridge(bridge_spec(name)).error().kind(), Kind::invalid) << name;
    }
}

TEST_F(Lifecycle, AttachSetsEverythingUp) {
    bridge.mtu = 1400;
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const Where where = make_namespace();
    const EndpointSpec endpoint{.container = "c1", .interface = "eth0", .mac = {}, .addresses = targets(5)};
    const auto mac = network().attach(bridge, endpoint, *where);
    ASSERT_TRUE(mac) << mac.error().what();
    EXPECT_EQ(*mac, "02:42:ac:11:00:05");
    const auto inside = run("ip addr; ip route; ip -6 route", where);
    for (const char* expected :
         {"172.17.0.5/16 brd 172.17.255.255", "fd17::5/64", "mtu 1400", "default via 172.17.0.1 dev eth0",
          "default via fd17::1 dev eth0", "127.0.0.1/8", "02:42:ac:11:00:05"}) {
        EXPECT_NE(inside.find(expected), std::string::npos) << expected << "\n" << inside;
    }
    // Again, as after a crash between attach and the record of it: the old pair makes room.
    const Where second = make_namespace();
    EndpointSpec again = endpoint;
    again.mac = "02:42:00:00:00:99";
    again.default_route4 = again.default_route6 = false;
    ASSERT_EQ(*network().attach(bridge, again, *second), "02:42:00:00:00:99");
    EXPECT_EQ(run("ip -o link show type veth | wc -l"), "1\n");
    EXPECT_EQ(run("ip route show default; ip -6 route show default", second), "");
}

TEST_F(Lifecycle, AnInterfaceNameThatIsTakenIsLeftToItsOwner) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto taken = veth_name(veth_alias("docker0-2", "eth0"), 0);
    run("ip link add " + taken + " type bridge; ip link set " + taken + " alias somebody/else");
    make_container(bridge, 2);
    const auto next = veth_name(veth_alias("docker0-2", "eth0"), 1);
    EXPECT_NE(run("ip -o link show " + next).find("alias docker0-2/eth0"), std::string::npos);
    ASSERT_TRUE(network().detach("docker0-2", "eth0"));
    EXPECT_NE(run("ip -o link show " + taken).find("somebody/else"), std::string::npos);
    EXPECT_EQ(run("ip -o link show type veth"), "");
}

TEST_F(Lifecycle, AFailedAttachLeavesNothing) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const Where where = make_namespace();
    EndpointSpec endpoint{.container = "c1", .interface = "eth0", .mac = {}, .addresses = {ip("10.9.9.9")}};
    EXPECT_EQ(network().attach(bridge, endpoint, *where).error().kind(), Kind::invalid);
    endpoint.addresses = targets(2);
    endpoint.mac = "01:00:00:00:00:01";
    EXPECT_EQ(network().attach(bridge, endpoint, *where).error().kind(), Kind::invalid);
    endpoint.mac.clear();
    run("ip link add eth0 type bridge", where);
    const auto taken = network().attach(bridge, endpoint, *where);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind(), Kind::conflict) << taken.error().what();
    EXPECT_FALSE(network().attach(bridge_spec("missing"), endpoint, *where));
    EXPECT_EQ(run("ip -o link show type veth"), "");
}

TEST_F(Lifecycle, WithoutIpv6PoolThereIsNoIpv6Address) {
    bridge.pools.pop_back();
    ASSERT_TRUE(network().ensure_bridge(bridge));
    const auto one = make_container(bridge, 2);
    EXPECT_EQ(run("ip -6 -o addr show dev eth0", one.where), "");
    EXPECT_EQ(run("ip -6 -o addr show dev docker0"), "");
}

TEST_F(Lifecycle, LoopbackComesUp) {
    const Where where = make_namespace();
    ASSERT_TRUE(network().loopback_up(*where));
    EXPECT_NE(run("ip addr show lo", where).find("127.0.0.1/8"), std::string::npos);
}

TEST_F(Lifecycle, RouterAdvertisementsGoOnAfterForwardingBegins) {
    run("ip link add uplink type bridge; echo 1 > /proc/sys/net/ipv6/conf/uplink/accept_ra; "
        "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
    ASSERT_TRUE(network().ensure_bridge(bridge));
    EXPECT_EQ(run("cat /proc/sys/net/ipv6/conf/uplink/accept_ra /proc/sys/net/ipv6/conf/docker0/accept_ra "
                  "/proc/sys/net/ipv6/conf/all/forwarding"),
              "2\n0\n1\n");
}

TEST_F(Lifecycle, SubnetsAreChosenAroundWhatTheHostUses) {
    EXPECT_EQ(choose_subnet({})->text(), "172.17.0.0/16");
    EXPECT_EQ(choose_subnet({*Subnet::parse("172.17.0.0/16")})->text(), "172.18.0.0/16");
    EXPECT_EQ(choose_subnet({*Subnet::parse("172.16.0.0/12")})->text(), "192.168.0.0/20");
    run("ip link add nic0 type bridge; ip link set nic0 up; ip addr add 172.17.3.4/24 dev nic0; "
        "ip route add 172.18.5.0/24 dev nic0; ip route add blackhole 172.19.0.0/16");
    EXPECT_EQ(choose_subnet({})->text(), "172.19.0.0/16");
    EXPECT_EQ(choose_subnet({*Subnet::parse("0.0.0.0/0")}).error().kind(), Kind::exhausted);
}

TEST_F(Lifecycle, ErrorsCarryTheKernelsWords) {
    in(kHost, []() -> Result<void> {
        Links links = TRY(Links::open());
        const auto bad = links.set_mtu(1, 4);
        EXPECT_FALSE(links.get("nowhere"));
        EXPECT_EQ(links.get("nowhere").error().kind(), Kind::not_found);
        EXPECT_TRUE(links.remove("nowhere"));
        TRY(links.add_bridge("b0", {2, 0, 0, 0, 0, 1}, 1500));
        const auto small = links.set_mtu(TRY(links.get("b0")).index, 4);
        EXPECT_FALSE(small);
        EXPECT_NE(small.error().what().find("mtu"), std::string::npos) << small.error().what();
        const auto again = links.add_bridge("b0", {2, 0, 0, 0, 0, 1}, 1500);
        EXPECT_EQ(again.error().kind(), Kind::conflict);
        return {};
    });
}

TEST_F(Lifecycle, ATableOfAnotherMakeIsNotTouched) {
    run("nft add table inet diatom; nft 'add set inet diatom bridges { type ipv4_addr; }'");
    const auto opened = LinuxNetwork::open("diatom");
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().what().find("nft delete table inet diatom"), std::string::npos) << opened.error().what();
    EXPECT_EQ(run("nft list chains inet"), "table inet diatom {\n}\n");
}

TEST_F(Lifecycle, TwoEnginesShareAHost) {
    ASSERT_TRUE(network().ensure_bridge(bridge));
    auto system = LinuxNetwork::open("diatom-system");
    ASSERT_TRUE(system) << system.error().what();
    const auto other_bridge = bridge_spec("system0", 20);
    ASSERT_TRUE((*system)->ensure_bridge(other_bridge));
    const auto web = make_container(bridge, 2);
    auto server = serve(web.where, 80);
    const auto outside = make_outside();
    ASSERT_TRUE(network().publish(web.id, {tcp(8080, 80)}, targets(2)));
    EXPECT_TRUE(talk(outside, ip("192.0.2.1"), 8080, server));
    ASSERT_TRUE((*system)->publish("other", {tcp(8081, 80)}, {ip("172.20.0.2")}));
    EXPECT_TRUE(talk(kHost, ip("127.0.0.1"), 8080, server));
}

}  // namespace
}  // namespace diatom::net::testing
