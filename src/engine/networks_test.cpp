// The networks of an engine that is restarted, on the kernel of this machine. Needs root (skips otherwise).
#include "engine/networks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

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

}  // namespace
}  // namespace diatom::engine
