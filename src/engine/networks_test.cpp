// The networks of an engine that is restarted, on the kernel of this machine. Needs root (skips otherwise).
#include "engine/networks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/strings.h"
#include "engine/network_plan.h"
#include "net/links.h"
#include "net/namespace.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTable = "diatom-networks-test";

Result<proc::Output> nft(std::vector<std::string> words) {
    words.insert(words.begin(), "nft");
    return proc::run({.path = "/usr/sbin/nft", .argv = std::move(words), .env = {}}, 10'000);
}

class RestartedNetworks : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
        records_.emplace(*Records::open(directory_ / "engine.db"));
        start();
    }
    void TearDown() override {
        networks_.reset();
        if (records_) {
            for (const auto& link : {"networks-test", "networks-own", "networks-in"}) std::ignore = remove_link(link);
            ASSERT_TRUE(nft({"delete", "table", "inet", kTable}));
            ASSERT_TRUE((*net::Network::open(kTable))->remove_bridge("networks-test"));
            ASSERT_TRUE(nft({"delete", "table", "inet", kTable}));
        }
    }

    // As an engine does it; of one before it nothing is told.
    void start() {
        networks_.reset();
        auto network = net::Network::open(kTable);
        ASSERT_TRUE(network) << network.error().what();
        networks_ = std::make_unique<Networks>(std::move(*network), "networks-test");
        const auto opened = networks_->open(*records_);
        ASSERT_TRUE(opened) << opened.error().what();
    }

    Container run_container(const std::string& name, std::uint16_t port) {
        Container container{.id = name, .name = name};
        container.config.network_mode = "bridge";
        container.config.ports = {{.protocol = net::Protocol::tcp, .host_port = port, .container_port = 80}};
        const auto prepared = networks_->prepare(container);
        EXPECT_TRUE(prepared) << prepared.error().what();
        namespaces_.push_back(new_namespace());
        const auto connected = networks_->connect(container, namespaces_.back());
        EXPECT_TRUE(connected) << connected.error().what();
        return container;
    }

    static Result<void> remove_link(const std::string& name) {
        auto links = TRY(net::Links::open());
        return links.remove(name);
    }
    // Of this process's network namespace; what is mounted at /sys may be another's.
    static std::size_t interfaces(std::string_view prefix) {
        const auto table = sys::read_file("/proc/self/net/dev");
        EXPECT_TRUE(table);
        const auto lines = split(*table, '\n');
        return static_cast<std::size_t>(
            std::ranges::count_if(lines, [&](const auto& line) { return trim(line).starts_with(prefix); }));
    }
    static std::size_t veths() { return interfaces("veth"); }
    // A network 10.91.N.0/24 and its bridge.
    NetworkRecord make_network(const std::string& name, unsigned number, bool internal = false) {
        NetworkRecord wanted{.name = name, .driver = "bridge"};
        wanted.pools = {{.subnet = *net::Subnet::parse(std::format("10.91.{}.0/24", number)), .gateway = {}}};
        wanted.options[kBridgeNameOption] = "networks-" + name;
        wanted.internal = internal;
        auto record = networks_->plan(wanted);
        EXPECT_TRUE(record) << record.error().what();
        if (!record) return {};
        EXPECT_TRUE(records_->put(*record));
        const auto made = networks_->set_up(record->id);
        EXPECT_TRUE(made) << made.error().what();
        return *record;
    }
    static std::string routes(FdRef netns) {
        std::string out;
        const auto listed = net::run_in_namespace(netns, [&]() -> Result<void> {
            out =
                TRY(proc::run({.path = "/usr/sbin/ip", .argv = {"ip", "route", "show", "default"}, .env = {}}, 10'000))
                    .out;
            return {};
        });
        EXPECT_TRUE(listed) << listed.error().what();
        return out;
    }

    static Fd new_namespace() {
        Result<Fd> made = fail(Kind::bug, "not run");
        std::thread([&] {
            if (::unshare(CLONE_NEWNET) == 0) made = sys::open_path("/proc/thread-self/ns/net", O_RDONLY);
        }).join();
        EXPECT_TRUE(made);
        return std::move(*made);
    }

    static std::string rules() {
        const auto listed = nft({"list", "table", "inet", kTable});
        EXPECT_TRUE(listed) << listed.error().what();
        return listed ? listed->out : std::string();
    }
    static std::string element(const Container& container, std::uint16_t port) {
        return std::format("tcp . {} : {} . 80", port, container.endpoints.front().ip4.text());
    }

    test::TempDir directory_;
    std::optional<Records> records_;
    std::unique_ptr<Networks> networks_;
    std::vector<Fd> namespaces_;
};

TEST_F(RestartedNetworks, RunningContainersKeepTheirRulesAllTheWhile) {
    const auto first = run_container("first", 8080);
    const auto second = run_container("second", 8081);
    const auto ended = run_container("ended", 8082);
    const auto before = rules();
    for (const auto& expected : {element(first, 8080), element(second, 8081), element(ended, 8082)})
        ASSERT_THAT(before, HasSubstr(expected));

    start();
    EXPECT_EQ(rules(), before) << "opened";
    ASSERT_TRUE(networks_->adopt(first));
    EXPECT_EQ(rules(), before) << "the first adopted";
    ASSERT_TRUE(networks_->adopt(second));
    EXPECT_EQ(rules(), before) << "both adopted";
    networks_->settle();
    const auto settled = rules();
    EXPECT_THAT(settled, HasSubstr(element(first, 8080)));
    EXPECT_THAT(settled, HasSubstr(element(second, 8081)));
    EXPECT_THAT(settled, Not(HasSubstr(" . 8082 : "))) << "nobody claimed it";

    networks_->release("first");
    networks_->release("second");
    EXPECT_THAT(rules(), Not(HasSubstr(" . 8081 : ")));
}

TEST_F(RestartedNetworks, TheFirstStartHasItsRulesToo) {
    networks_->settle();
    EXPECT_THAT(rules(), HasSubstr("networks-test"));
    const auto container = run_container("first", 8080);
    EXPECT_THAT(rules(), HasSubstr(element(container, 8080)));
    networks_->release("first");
}

TEST_F(RestartedNetworks, ANetworkComesAndGoes) {
    const auto record = make_network("own", 1);
    EXPECT_EQ(record.pools.at(0).gateway.text(), "10.91.1.1");
    EXPECT_EQ(interfaces("networks-own:"), 1U);
    EXPECT_THAT(rules(), HasSubstr("networks-own"));
    for (const char* taken : {"own", "other"}) {
        NetworkRecord wanted{.name = taken, .driver = "bridge"};
        wanted.pools = {{.subnet = *net::Subnet::parse("10.91.0.0/16"), .gateway = {}}};
        EXPECT_FALSE(networks_->plan(wanted)) << "its name and its subnet are taken";
    }
    start();
    EXPECT_TRUE(std::ranges::contains(networks_->records(), record.id, &NetworkRecord::id)) << "after a restart";
    ASSERT_TRUE(networks_->remove(record.id));
    EXPECT_EQ(interfaces("networks-own:"), 0U);
    EXPECT_THAT(rules(), Not(HasSubstr("networks-own")));
}

TEST_F(RestartedNetworks, RoutesAndPortsFollowTheNetworksOfARunningContainer) {
    const auto own = make_network("own", 1), inside = make_network("in", 2, true);
    Container container{.id = "box", .name = "box"};
    container.config.network_mode = "in";
    container.config.ports = {{.protocol = net::Protocol::tcp, .host_port = 8090, .container_port = 80}};
    ASSERT_TRUE(networks_->prepare(container));
    const Fd netns = new_namespace();
    ASSERT_TRUE(networks_->connect(container, netns));
    EXPECT_EQ(routes(netns), "");
    EXPECT_TRUE(container.published.empty()) << "no way in from outside";

    const auto joined = networks_->join(container, {.network = "own", .aliases = {"web"}}, netns);
    ASSERT_TRUE(joined) << joined.error().what();
    EXPECT_EQ(container.endpoints.back().interface, "eth1");
    EXPECT_THAT(container.endpoints.back().names, ::testing::ElementsAre("box", "web"));
    EXPECT_THAT(routes(netns), HasSubstr("via 10.91.1.1 dev eth1"));
    EXPECT_THAT(rules(), HasSubstr("tcp . 8090 : 10.91.1.2 . 80"));
    EXPECT_FALSE(networks_->remove(own.id)) << "somebody is on it";

    ASSERT_TRUE(networks_->leave(container, "own", netns));
    EXPECT_EQ(routes(netns), "");
    EXPECT_TRUE(container.published.empty());
    EXPECT_THAT(rules(), Not(HasSubstr("8090")));
    EXPECT_TRUE(networks_->remove(own.id));
    networks_->release("box");
    EXPECT_EQ(veths(), 0U);
}

TEST_F(RestartedNetworks, AJoinThatFailsLeavesEverythingAsItWas) {
    make_network("own", 1);
    auto first = run_container("first", 8080);
    const auto address = *net::Address::parse("10.91.1.7");
    ASSERT_TRUE(networks_->join(first, {.network = "own", .ip4 = address}, namespaces_.back()));
    auto second = run_container("second", 8081);
    const auto before = rules();
    const auto refused = networks_->join(second, {.network = "own", .ip4 = address}, namespaces_.back());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), Kind::conflict);
    EXPECT_EQ(second.endpoints.size(), 1U);
    EXPECT_EQ(rules(), before);
    EXPECT_EQ(veths(), 3U);
    networks_->release("first");
    ASSERT_TRUE(networks_->join(second, {.network = "own", .ip4 = address}, namespaces_.back())) << "free again";
    networks_->release("second");
    EXPECT_EQ(veths(), 0U);
}

TEST_F(RestartedNetworks, AContainerOnSeveralNetworksIsAdoptedWhole) {
    make_network("own", 1);
    auto container = run_container("first", 8080);
    ASSERT_TRUE(networks_->join(container, {.network = "own"}, namespaces_.back()));
    const auto own = container.endpoints.back().ip4;
    start();
    ASSERT_TRUE(networks_->adopt(container));
    networks_->settle();
    auto late = run_container("late", 8081);
    ASSERT_TRUE(networks_->join(late, {.network = "own"}, namespaces_.back()));
    EXPECT_NE(late.endpoints.back().ip4, own) << "taken by the container that runs on";
    ASSERT_TRUE(networks_->leave(container, "own", namespaces_.front()));
    networks_->release("first");
    networks_->release("late");
    EXPECT_EQ(veths(), 0U);
}

}  // namespace
}  // namespace diatom::engine
