#include "init/control.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {

using testing::HasSubstr;

TEST(Control, GarbageGetsAnErrorReply) {
    Machine machine;
    for (const auto* packet : {"", "x", "[]", "{}", "{\"op\":7}", "{\"op\":\"dance\"}",
                               "{\"op\":\"power\",\"how\":\"up\"}", "{\"op\":\"exit_of\",\"pid\":-1}", "\xff\xfe"}) {
        EXPECT_EQ(answer(packet, machine).body["ok"], false) << packet;
    }
}

// A server on a socket of its own, its loop in another thread, and the real client.
class ControlServed : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/diatom-init-XXXXXX";
        directory_ = ::mkdtemp(name);
        auto loop = proc::EventLoop::create();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
        auto listener = sys::listen_unix(path(), sys::SocketType::packet, 0600);
        ASSERT_TRUE(listener) << listener.error().what();
        auto server = ControlServer::create(*loop_, std::move(*listener), machine_, static_cast<int>(::getuid()));
        ASSERT_TRUE(server);
        server_ = std::move(*server);
        auto timer = loop_->add_timer(1'000'000, 1'000'000, [this] {
            if (end_) loop_->stop();
        });
        ASSERT_TRUE(timer);
        machine_.power = [this](proc::Power how) { power_ = how; };
        machine_.status = [] { return Json{{"version", "t"}}; };
    }
    void start() {
        thread_ = std::thread([this] { std::ignore = loop_->run(); });
    }
    void TearDown() override {
        end_ = true;
        if (thread_.joinable()) thread_.join();
        server_.reset();
        std::ignore = sys::remove_tree(directory_);
    }
    std::string path() const { return directory_ + "/init.sock"; }
    proc::Supervisor client() const { return proc::Supervisor(path(), directory_ + "/notify.sock"); }

    std::string directory_;
    Machine machine_;
    std::unique_ptr<proc::EventLoop> loop_;
    std::unique_ptr<ControlServer> server_;
    std::thread thread_;
    std::atomic<bool> end_ = false;
    std::atomic<proc::Power> power_ = proc::Power::halt;
};

TEST_F(ControlServed, StatusTimelineMarksAndPower) {
    start();
    ASSERT_TRUE(client().mark("engine ready"));
    const auto marks = client().timeline();
    ASSERT_TRUE(marks) << marks.error().what();
    EXPECT_EQ((*marks)[0]["name"], "engine ready");
    EXPECT_GT((*marks)[0]["at_us"], 0);
    EXPECT_EQ((*client().status())["version"], "t");
    ASSERT_TRUE(client().power(proc::Power::reboot));
    EXPECT_EQ(power_, proc::Power::reboot);
}

TEST_F(ControlServed, LedgerAnswersForTheVeryProcess) {
    machine_.ledger.record({42, 7}, {.code = 3});
    start();
    EXPECT_EQ((*client().exit_of({42, 7}))->code, 3);
    const auto other = client().exit_of({42, 8});
    ASSERT_TRUE(other);
    EXPECT_FALSE(*other);
}

TEST_F(ControlServed, HundredsOfParkedDescriptorsComeInPages) {
    for (int i = 0; i < 200; ++i) {
        auto pipe = sys::make_pipe();
        ASSERT_TRUE(pipe);
        ASSERT_TRUE(sys::write_all(pipe->second, std::to_string(i)));
        ASSERT_TRUE(machine_.fds.park(std::format("system/{:03}", i), std::move(pipe->first)));
    }
    start();
    auto stored = client().parked("system/");
    ASSERT_TRUE(stored) << stored.error().what();
    ASSERT_EQ(stored->size(), 200U);
    EXPECT_EQ((*stored)[137].name, "system/137");
    EXPECT_EQ(*sys::read_all((*stored)[137].fd), "137");
    const auto names = client().parked_names("system/");
    ASSERT_TRUE(names) << names.error().what();
    ASSERT_EQ(names->size(), 200U);
    EXPECT_EQ(names->back(), "system/199");
    ASSERT_TRUE(client().forget("system/1"));
    EXPECT_EQ(client().parked("system/")->size(), 100U);
    EXPECT_FALSE(client().forget(""));
}

TEST_F(ControlServed, TooManyClientsAndRubbishLeaveItAlive) {
    start();
    std::vector<Fd> clients;
    for (std::size_t i = 0; i < 2 * ControlServer::kMaxClients; ++i) {
        auto socket = sys::connect_unix(path(), sys::SocketType::packet);
        ASSERT_TRUE(socket);
        std::ignore = sys::send_message(*socket, std::string(1000, '\xff'));
        clients.push_back(std::move(*socket));
    }
    clients.clear();
    // Those that went are dropped one by one; then there is room again.
    auto status = client().status();
    for (int i = 0; !status && i < 1000; ++i) {
        ::usleep(1000);
        status = client().status();
    }
    EXPECT_TRUE(status) << status.error().what();
}

TEST(Supervisor, WithoutPid1SaysUnavailable) {
    const proc::Supervisor nobody("/nonexistent/init.sock", "/nonexistent/notify.sock");
    EXPECT_EQ(nobody.status().error().kind(), Kind::unavailable);
    EXPECT_EQ(nobody.parked("x").error().kind(), Kind::unavailable);
    EXPECT_THAT(nobody.park("x", FdRef(0)).error().what(), HasSubstr("/nonexistent/notify.sock"));
}

}  // namespace
}  // namespace diatom::init
