// The engine with everything real: store, runtime, network. Its network namespace is the test program's own (main).
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "engine/engine.h"
#include "engine/testing/image_archive.h"
#include "engine/testing/loop_driver.h"
#include "runtime/self.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

class Whole : public ::testing::Test, protected testing::LoopDriver {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_TRUE(runtime::executor_path());
        std::string pattern = "/tmp/engine-whole-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        home_ = pattern;
        fds_before_ = sys::count_open_fds().value();
        open();
        const auto archive = sys::memory_file("archive", testing::busybox_archive(), false);
        ASSERT_TRUE(archive);
        ASSERT_EQ(::lseek(archive->raw(), 0, SEEK_SET), 0);
        auto loaded = run(engine_->load_image(Fd(::fcntl(archive->raw(), F_DUPFD_CLOEXEC, 0)), {}));
        ASSERT_TRUE(loaded) << loaded.error().what();
    }
    void TearDown() override {
        if (home_.empty()) return;
        if (engine_) {
            for (const auto& container : engine_->containers())
                EXPECT_TRUE(run(engine_->remove(container.id, {.force = true, .volumes = true})));
        }
        close();
        EXPECT_EQ(sys::count_open_fds().value(), fds_before_) << "descriptors leaked";
        EXPECT_TRUE(sys::remove_tree(home_));
    }
    void open() {
        loop_ = std::make_unique<asio::io_context>(1);
        auto opened = Engine::open(loop_->get_executor(),
                                   {.root = home_ + "/root", .run = home_ + "/run", .table = "diatom-test"});
        ASSERT_TRUE(opened) << opened.error().what();
        engine_ = std::move(*opened);
    }
    void close() {
        engine_.reset();
        loop_.reset();
    }
    std::string start(std::vector<std::string> command, ContainerConfig config = {}) {
        config.image = "busybox";
        config.cmd = std::move(command);
        auto created = run(engine_->create("", std::move(config)));
        EXPECT_TRUE(created) << created.error().what();
        auto started = run(engine_->start(created->id));
        EXPECT_TRUE(started) << started.error().what();
        return created->id;
    }
    std::string logs_to_end(const std::string& id) {
        return run(testing::read_logs(*engine_, id, {.follow = true})).value_or("(no logs)");
    }
    // What a connection to this host's port says; empty when refused.
    static std::string ask(std::uint16_t port) {
        for (int tries = 0; tries < 200; ++tries) {
            const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in address{
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
            if (::connect(socket.raw(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
                const timeval patience{.tv_sec = 20};
                (void)::setsockopt(socket.raw(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                (void)sys::write_all(socket, "GET / HTTP/1.0\r\n\r\n");
                return sys::read_all(socket).value_or("");
            }
            ::usleep(20'000);  // the program in the container is not listening yet
        }
        return "";
    }
    std::string home_;
    std::size_t fds_before_ = 0;
    std::unique_ptr<Engine> engine_;
};

TEST_F(Whole, LoadsRunsAndForgets) {
    const auto id = start({"sh", "-c", "ip -4 -o addr show eth0; cat /data/seed; exit 3"});
    const auto text = logs_to_end(id);
    EXPECT_TRUE(text.contains("172.") && text.contains("seed\n")) << text;
    EXPECT_EQ(engine_->inspect(id)->state.exit_code, 3);
    const auto volumes = engine_->volumes();
    ASSERT_EQ(volumes.size(), 1U);
    EXPECT_TRUE(volumes.front().anonymous);
    EXPECT_TRUE(run(engine_->remove(id, {.volumes = true})));
    EXPECT_TRUE(engine_->volumes().empty());
    EXPECT_FALSE(sys::exists(volumes.front().mountpoint));
    auto kept = run(engine_->remove_image("busybox", false));
    EXPECT_TRUE(kept) << kept.error().what();
}

// CVE-2021-41091, CVE-2021-41103, CVE-2024-25621: who is on the machine, and not root, reaches no set-user-ID program
// of an image. Directories that were there before are closed, too.
TEST_F(Whole, KeepsItsDirectoriesToItself) {
    const std::array directories = {home_ + "/root", home_ + "/run"};
    for (const auto& directory : directories) EXPECT_EQ(sys::stat_path(directory)->st_mode & 07777U, 0700U);
    close();
    for (const auto& directory : directories) ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
    open();
    for (const auto& directory : directories) EXPECT_EQ(sys::stat_path(directory)->st_mode & 07777U, 0700U);
}

TEST_F(Whole, PublishesPortsAndKeepsThemAcrossItsOwnEnd) {
    const auto id = start({"sh", "-c", "echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp"},
                          {.ports = {{.host_port = 18080, .container_port = 80}}});
    EXPECT_TRUE(ask(18080).ends_with("served\n"));
    auto taken = run(engine_->create("second", {.image = "busybox",
                                                .cmd = std::vector<std::string>{"true"},
                                                .ports = {{.host_port = 18080, .container_port = 80}}}));
    ASSERT_TRUE(taken);
    const auto refused = run(engine_->start("second"));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().what().contains("port is already allocated")) << refused.error().what();
    EXPECT_TRUE(run(engine_->remove("second", {})));
    close();
    open();
    EXPECT_EQ(engine_->inspect(id)->state.status, Status::running);
    EXPECT_TRUE(ask(18080).ends_with("served\n"));
    EXPECT_TRUE(run(engine_->stop(id, 0, "")));
    const auto again = start({"true"}, {.ports = {{.host_port = 18080, .container_port = 80}}});
    EXPECT_TRUE(run(engine_->wait(again, WaitCondition::not_running, {})));
}

TEST_F(Whole, SharesTheNetworkOfAnother) {
    const auto owner = start({"sleep", "100"}, {.hostname = "owner"});
    const auto id =
        start({"sh", "-c", "ip -4 -o addr show eth0; cat /etc/hosts"}, {.network_mode = "container:" + owner});
    const auto text = logs_to_end(id);
    const auto address = engine_->inspect(owner)->endpoints.front().ip4.text();
    EXPECT_TRUE(text.contains(address + "\towner")) << text;
    EXPECT_TRUE(text.contains("inet " + address + "/")) << text;
    EXPECT_TRUE(engine_->inspect(id)->endpoints.empty());
}

}  // namespace
}  // namespace diatom::engine
