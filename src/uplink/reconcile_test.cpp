// On real links, in a network namespace of each test's own.
#include "uplink/reconcile.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "net/links.h"
#include "uplink/testing/network.h"

namespace diatom::uplink {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ip;
using ::testing::IsEmpty;
using testing::network;
using ::testing::UnorderedElementsAre;

class ReconcileTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        kernel_.emplace(*Kernel::open());
        add_pair("e0", "p0");
        add_pair("e1", "p1");
    }

    // The first end is ours; the second stays as what is plugged in.
    void add_pair(const std::string& name, const std::string& peer) {
        auto links = *net::Links::open();
        const auto self = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        const net::Veth veth{.host_name = peer,
                             .bridge_index = 0,
                             .name = name,
                             .mac = {2, 0, 0, 0, 0, ++last_},
                             .mtu = 1500,
                             .netns = self};
        ASSERT_TRUE(links.add_veth(veth));
        ASSERT_TRUE(kernel_->set_up(link(peer).index, false));
    }

    Reconciled run(const std::string& document) {
        const auto wanted = plan(network(document), *kernel_->links());
        auto done = reconcile(*kernel_, wanted, memory_);
        EXPECT_TRUE(done) << done.error().what();
        return done ? *done : Reconciled{};
    }

    // A document that is made true by changes, and then is true.
    void make(const std::string& document) {
        EXPECT_THAT(run(document).problems, IsEmpty()) << document;
        const auto again = run(document);
        EXPECT_EQ(again.changes, 0U) << document;
        EXPECT_THAT(again.problems, IsEmpty());
    }

    Present link(const std::string& name) {
        const auto links = *kernel_->links();
        const auto found = std::ranges::find(links, name, &Present::name);
        return found == links.end() ? Present{} : *found;
    }

    std::vector<std::string> addresses(const std::string& name) {
        std::vector<std::string> texts;
        const auto all = *kernel_->addresses();
        for (const auto& entry : all) {
            if (entry.index == link(name).index && !entry.link_scope)
                texts.push_back(entry.is.address.text() + "/" + std::to_string(entry.is.prefix));
        }
        return texts;
    }

    std::vector<WantedRoute> routes() {
        std::vector<WantedRoute> found;
        const auto all = *kernel_->routes();
        for (const auto& route : all) {
            if (route.protocol == kOurs) found.push_back(route.is);
        }
        return found;
    }

    std::vector<WantedRule> rules() {
        std::vector<WantedRule> found;
        const auto all = *kernel_->rules();
        for (const auto& rule : all) {
            if (rule.protocol == kOurs) found.push_back(rule.is);
        }
        return found;
    }

    std::optional<Kernel> kernel_;
    Memory memory_;
    std::uint8_t last_ = 0;
};

TEST_F(ReconcileTest, AddressesComeAndGoAndOthersStay) {
    ASSERT_TRUE(kernel_->set_up(link("e0").index, true));
    auto links = *net::Links::open();
    ASSERT_TRUE(links.add_address(link("e0").index, ip("198.51.100.1"), 24));  // somebody else's
    make("interfaces: {e0: {addresses: [192.0.2.7/24, 192.0.2.8/24, '2001:db8::7/64']}}");
    EXPECT_THAT(addresses("e0"),
                UnorderedElementsAre("198.51.100.1/24", "192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64"));
    // The kernel takes the second away with the first of a network; it comes back.
    make("interfaces: {e0: {addresses: [192.0.2.8/24]}}");
    EXPECT_THAT(addresses("e0"), UnorderedElementsAre("198.51.100.1/24", "192.0.2.8/24"));
    make("interfaces: {e1: {dhcp4: false}}");
    EXPECT_THAT(addresses("e0"), ElementsAre("198.51.100.1/24"));
}

TEST_F(ReconcileTest, WhatALeaseLeftGoesWhereNobodyAsksAnyMore) {
    make("interfaces: {e0: {addresses: [192.0.2.7/24]}}");
    // As dhcpcd adds them: with a lifetime.
    const auto lease = [&](const char* address) {
        ifaddrmsg header{};
        header.ifa_family = AF_INET;
        header.ifa_prefixlen = 24;
        header.ifa_index = static_cast<std::uint32_t>(link("e0").index);
        const ifa_cacheinfo life{.ifa_prefered = 600, .ifa_valid = 600, .cstamp = 0, .tstamp = 0};
        net::Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE);
        request.header(header).put_address(IFA_LOCAL, ip(address)).put(IFA_CACHEINFO, &life, sizeof life);
        auto socket = *net::NetlinkSocket::open(NETLINK_ROUTE);
        ASSERT_TRUE(socket.call(request));
    };
    lease("203.0.113.5");
    make("interfaces: {e0: {dhcp4: true}}");
    EXPECT_THAT(addresses("e0"), ElementsAre("203.0.113.5/24"));
    make("interfaces: {e0: {dhcp4: false}}");
    EXPECT_THAT(addresses("e0"), IsEmpty());
    // What was a lease is ours when it is said, with its network's route.
    lease("203.0.113.5");
    make("interfaces: {e0: {addresses: [203.0.113.5/24]}}");
    const auto all = *kernel_->addresses();
    const auto said =
        std::ranges::find_if(all, [](const auto& entry) { return entry.is.address == ip("203.0.113.5"); });
    EXPECT_TRUE(said != all.end() && said->permanent && said->protocol == kOurs);
    make("interfaces: {e0: {dhcp4: false}}");
    // Of a link that nothing is said of, only when it asked before.
    lease("203.0.113.5");
    make("interfaces: {e1: {dhcp4: false}}");
    EXPECT_THAT(addresses("e0"), ElementsAre("203.0.113.5/24"));
    memory_.asked = {"e0"};
    make("interfaces: {e1: {dhcp4: false}}");
    EXPECT_THAT(addresses("e0"), IsEmpty());
}

TEST_F(ReconcileTest, RoutesAndRules) {
    ASSERT_TRUE(kernel_->set_up(link("p0").index, true));
    make(R"(
interfaces:
  e0:
    addresses: [192.0.2.7/24, "2001:db8::7/64"]
    gateway4: 192.0.2.1
    gateway6: "2001:db8::1"
    routes:
      - {to: 10.9.0.0/16, via: 192.0.2.1, from: 192.0.2.7, metric: 3, table: 100, mtu: 1300}
      - {to: 10.7.0.0/16, via: 203.0.113.1, on_link: true, table: 1000}
      - {to: 10.8.0.0/16, kind: blackhole}
      - {to: 10.6.0.0/16}
      - {to: "2001:db8:8::/48", kind: unreachable}
      - {to: "2001:db8:9::/48", via: "2001:db8::9", mtu: 1400}
    rules:
      - {from: 192.0.2.0/24, table: 100, priority: 50}
      - {to: "2001:db8:1::/48", table: 1000, mark: 7}
)");
    EXPECT_EQ(routes().size(), 8U);
    EXPECT_EQ(rules().size(), 2U);
    make(R"(
interfaces:
  e0:
    addresses: [192.0.2.7/24]
    routes: [{to: 10.9.0.0/16, via: 192.0.2.2, metric: 3, table: 100}]
    rules: [{from: 192.0.2.0/24, table: 100, priority: 51}]
)");
    ASSERT_EQ(routes().size(), 1U);
    EXPECT_EQ(routes()[0].via, ip("192.0.2.2"));
    ASSERT_EQ(rules().size(), 1U);
    EXPECT_EQ(rules()[0].priority, 51U);
    make("interfaces: {e0: {dhcp4: false}}");
    EXPECT_THAT(routes(), IsEmpty());
    EXPECT_THAT(rules(), IsEmpty());
}

TEST_F(ReconcileTest, WhatAddressesNeedIsTakenBackUpWhenTheyReturn) {
    const std::string document = "interfaces: {e0: {addresses: [192.0.2.7/24], gateway4: 192.0.2.1}}";
    make(document);
    ASSERT_TRUE(kernel_->set_up(link("e0").index, false));  // the kernel drops the routes
    EXPECT_THAT(routes(), IsEmpty());
    make(document);
    EXPECT_EQ(routes().size(), 1U);
}

TEST_F(ReconcileTest, BridgesAreMadeChangedAndGo) {
    make("interfaces: {br0: {bridge: {interfaces: [e0, e1]}, addresses: [192.0.2.7/24], mac: '02:00:00:00:00:99'}}");
    EXPECT_EQ(link("br0").kind, "bridge");
    EXPECT_EQ(link("br0").forward_delay, 0U);
    EXPECT_EQ(net::format_mac(link("br0").mac), "02:00:00:00:00:99");
    EXPECT_EQ(link("e0").master, link("br0").index);
    EXPECT_EQ(link("e1").master, link("br0").index);
    EXPECT_THAT(addresses("br0"), ElementsAre("192.0.2.7/24"));
    const int before = link("br0").index;
    make(
        "interfaces: {br0: {bridge: {interfaces: [e0], stp: true, forward_delay: 4s}, dhcp4: false}, e1: {dhcp4: "
        "false}}");
    EXPECT_EQ(link("br0").index, before);
    EXPECT_TRUE(link("br0").stp);
    EXPECT_EQ(link("br0").forward_delay, 400U);
    EXPECT_EQ(link("e1").master, 0);
    make("interfaces: {e0: {dhcp4: false}}");
    EXPECT_EQ(link("br0").index, 0);
    EXPECT_EQ(link("e0").master, 0);
}

TEST_F(ReconcileTest, ALinkOfOthersIsNotTaken) {
    auto links = *net::Links::open();
    ASSERT_TRUE(links.add_bridge("docker0", {2, 0, 0, 0, 1, 1}, 1500));
    const auto done = run("interfaces: {docker0: {bridge: {interfaces: [e0]}}}");
    EXPECT_THAT(done.problems, Contains(HasSubstr("docker0: a link of this name is there")));
    EXPECT_EQ(run("interfaces: {e1: {dhcp4: false}}").problems.size(), 0U);
    EXPECT_NE(link("docker0").index, 0);
}

TEST_F(ReconcileTest, MtuAndHardwareAddressComeBack) {
    make("interfaces: {e0: {dhcp4: false, mtu: 1400, mac: '02:00:00:00:aa:01'}}");
    EXPECT_EQ(link("e0").mtu, 1400U);
    EXPECT_EQ(net::format_mac(link("e0").mac), "02:00:00:00:aa:01");
    make("interfaces: {e0: {dhcp4: false}}");
    EXPECT_EQ(link("e0").mtu, 1500U);
    EXPECT_EQ(net::format_mac(link("e0").mac), "02:00:00:00:00:01");
}

TEST_F(ReconcileTest, BondsAndVlans) {
    const auto done =
        run("interfaces: {t0: {bond: {interfaces: [e0, e1], mode: active-backup}, dhcp4: false, "
            "accept_ra: false}, v7: {vlan: {link: t0, id: 7}, addresses: [192.0.2.7/24]}}");
    if (std::ranges::any_of(done.problems, [](const auto& text) { return text.contains("make "); }))
        GTEST_SKIP() << "this kernel has no bonds or VLANs";
    EXPECT_EQ(link("e0").master, link("t0").index);
    EXPECT_EQ(link("v7").lower, link("t0").index);
    EXPECT_EQ(link("v7").vlan, 7);
    make("interfaces: {e0: {dhcp4: false}}");
    EXPECT_EQ(link("t0").index + link("v7").index, 0);
}

TEST_F(ReconcileTest, WhatIsWaitedFor) {
    const std::string document = "interfaces: {e0: {addresses: [192.0.2.7/24]}, e1: {optional: true}, e5: {}}";
    make(document);
    const auto wait = [&] {
        return awaited(plan(network(document), *kernel_->links()), *kernel_->links(), *kernel_->addresses());
    };
    EXPECT_THAT(wait(), ElementsAre("e5: a link", "e0: a carrier"));
    ASSERT_TRUE(kernel_->set_up(link("p0").index, true));
    auto links = *net::Links::open();
    ASSERT_TRUE(links.settle("e0"));
    EXPECT_THAT(wait(), ElementsAre("e5: a link"));
    add_pair("e5", "p5");
    ASSERT_TRUE(kernel_->set_up(link("p5").index, true));
    EXPECT_THAT(wait(), ElementsAre("e5: a carrier"));
}

}  // namespace
}  // namespace diatom::uplink
