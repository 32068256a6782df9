#include "init/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>

#include "init/hardware.h"
#include "init/machine_setup.h"
#include "init/notify_server.h"
#include "init/reaper.h"
#include "init/shutdown.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kMs = 1'000'000;

std::unique_ptr<proc::EventLoop> make_loop() { return std::move(*proc::EventLoop::create()); }

// A service whose program is a shell line, reaped as PID 1 does it.
struct Supervised {
    std::unique_ptr<proc::EventLoop> loop = make_loop();
    std::vector<std::string> events;
    std::unique_ptr<Service> service;

    explicit Supervised(std::string line) {
        Service::Options options;
        options.name = "test";
        options.spawn = [line] {
            proc::SpawnRequest request;
            request.path = "/bin/sh";
            request.argv = {"sh", "-c", line};
            return proc::spawn(request);
        };
        options.ready = [this] { events.push_back("ready"); };
        options.stopped = [this] { events.push_back("stopped"); };
        options.first_back_off_ns = 2 * kMs;
        options.max_back_off_ns = 8 * kMs;
        options.watchdog_ns = 20 * kMs;
        service = std::move(*Service::create(*loop, std::move(options)));
    }
    // Runs the loop until the condition holds; a test that hangs is ended by its time-out.
    void until(const std::function<bool()>& condition) {
        while (!condition()) {
            ASSERT_TRUE(loop->run_once(5));
            reap_children([this](const auto& process, const auto& status) { service->ended(process, status); });
        }
    }
};

TEST(Service, ComesBackAfterEachEnd) {
    Supervised s("exit 3");
    s.service->start();
    s.until([&] { return s.service->restarts() >= 4; });
    s.service->stop(SIGKILL);
    s.until([&] { return !s.events.empty(); });
    EXPECT_EQ(s.events.back(), "stopped");
    EXPECT_EQ(s.service->state(), Service::State::stopped);
}

TEST(Service, AProgramThatCannotStartIsTriedAgain) {
    auto loop = make_loop();
    int tries = 0;
    Service::Options options;
    options.spawn = [&]() -> Result<proc::Child> {
        ++tries;
        return fail(Kind::not_found, "gone");
    };
    options.first_back_off_ns = kMs;
    options.max_back_off_ns = 2 * kMs;
    auto service = Service::create(*loop, std::move(options));
    (*service)->start();
    while (tries < 5) ASSERT_TRUE(loop->run_once(5));
    EXPECT_EQ((*service)->state(), Service::State::waiting);
}

TEST(Service, ReadyOnlyFromItsOwnProcessAndStopEndsIt) {
    Supervised s("sleep 1000");
    s.service->start();
    s.service->notified(s.service->pid() + 1, {.ready = true});
    EXPECT_THAT(s.events, IsEmpty());
    s.service->notified(s.service->pid(), {.ready = true, .status = "fine"});
    EXPECT_TRUE(s.service->ready());
    EXPECT_EQ(s.service->status(), "fine");
    s.service->stop(SIGTERM);
    s.until([&] { return s.events.size() == 2; });
    EXPECT_THAT(s.events, ElementsAre("ready", "stopped"));
    EXPECT_EQ(s.service->restarts(), 0U);
}

TEST(Service, SilenceAfterAWatchdogSignKillsIt) {
    Supervised s("sleep 1000");
    s.service->start();
    s.service->notified(s.service->pid(), {.watchdog = true});
    s.until([&] { return s.service->restarts() == 1; });
    s.service->stop(SIGKILL);
    s.until([&] { return !s.events.empty(); });
}

TEST(Reaper, TellsPidStartTimeAndStatusOfOrphans) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    // The grandchild outlives its parent and comes to us.
    auto pipe = sys::make_pipe();
    proc::SpawnRequest request;
    request.path = "/bin/sh";
    request.argv = {"sh", "-c", "(echo $(sh -c 'echo $PPID'); read x; exit 7) & exit 0"};
    request.fds = {{pipe->second, 1}};
    ASSERT_TRUE(proc::spawn(request));
    pipe->second.reset();
    std::vector<std::pair<sys::ProcessId, int>> ended;
    while (ended.size() < 2) {
        reap_children(
            [&](const auto& process, const auto& status) { ended.emplace_back(process, status.shell_code()); });
    }
    const int grandchild = std::stoi(*sys::read_all(pipe->first));
    const auto it = std::ranges::find_if(ended, [&](const auto& e) { return e.first.pid == grandchild; });
    ASSERT_NE(it, ended.end());
    EXPECT_EQ(it->second, 7);
    EXPECT_GT(it->first.start_time, 0U);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(NotifyServer, ParksDescriptorsAndIgnoresRubbish) {
    auto loop = make_loop();
    FdStore store;
    auto ends = sys::socket_pair(sys::SocketType::datagram);
    std::vector<std::string> heard;
    auto server = NotifyServer::create(
        *loop, std::move(ends->first), store,
        [&](pid_t sender, const Notification& n) {
            if (sender == ::getpid()) heard.push_back(n.status);
        },
        static_cast<int>(::getuid()));
    ASSERT_TRUE(server);
    auto pipe = sys::make_pipe();
    ASSERT_TRUE(sys::send_message(ends->second, "FDSTORE=1\nFDNAME=user/a", {pipe->first, pipe->second}));
    ASSERT_TRUE(sys::send_message(ends->second, std::string(1000, '\0')));
    ASSERT_TRUE(sys::send_message(ends->second, "FDSTORE=1\nFDNAME=bad name", {pipe->first}));
    ASSERT_TRUE(sys::send_message(ends->second, "STATUS=done"));
    (*server)->drain();
    EXPECT_EQ(store.size(), 1U);
    EXPECT_EQ(heard.back(), "done");
    ASSERT_TRUE(sys::send_message(ends->second, "FDSTOREREMOVE=1\nFDNAME=user/a"));
    (*server)->drain();
    EXPECT_EQ(store.size(), 0U);
}

// A machine of fakes; time-outs of a few milliseconds.
struct FakeEnd {
    std::unique_ptr<proc::EventLoop> loop = make_loop();
    std::vector<std::string> done;
    bool runs = true, obeys = true;
    std::unique_ptr<Shutdown> shutdown;
    FakeEnd() {
        ShutdownActions a;
        a.stop_engine = [this] { done.push_back("engine"); };
        a.anything_runs = [this] { return runs; };
        a.signal_all = [this](int signal) {
            if (signal == SIGTERM) done.push_back("term");
            if (obeys) runs = false;
        };
        a.kill_cgroups = [this] { done.push_back("kill"); };
        a.close_state = [this] { done.push_back("state"); };
        a.end = [this](proc::Power how) { done.push_back("end " + std::to_string(static_cast<int>(how))); };
        a.engine_ns = 20 * kMs;
        a.grace_ns = 20 * kMs;
        a.step_ns = kMs;
        shutdown = std::move(*Shutdown::create(*loop, std::move(a)));
    }
    void run() {
        while (shutdown->stage() != Shutdown::Stage::done) ASSERT_TRUE(loop->run_once(100));
    }
};

TEST(Shutdown, GoesInOrder) {
    FakeEnd m;
    m.shutdown->begin(proc::Power::off, "test");
    EXPECT_THAT(m.done, ElementsAre("engine"));
    m.shutdown->begin(proc::Power::reboot, "later wish");
    m.shutdown->engine_stopped();
    m.shutdown->engine_stopped();
    m.run();
    EXPECT_THAT(m.done, ElementsAre("engine", "term", "state", "end 1"));
}

TEST(Shutdown, IsBoundedWhenNothingObeys) {
    FakeEnd m;
    m.obeys = false;
    m.shutdown->begin(proc::Power::halt, "test");
    m.run();
    EXPECT_THAT(m.done, ElementsAre("engine", "term", "kill", "state", "end 2"));
}

TEST(Hardware, KeyBitsAreFoundInAnyWord) {
    EXPECT_TRUE(has_key("10000000000000 0", 116));  // KEY_POWER, as an ACPI button has it
    EXPECT_FALSE(has_key("10000000000000 0", 115));
    EXPECT_TRUE(has_key("2", 1));
    EXPECT_FALSE(has_key("", 116));
    EXPECT_FALSE(has_key("zz zz", 116));
    auto loop = make_loop();
    EXPECT_FALSE(Watchdog::create(*loop, 30, "/nonexistent/watchdog"));
    PowerButtons buttons(*loop, [] {});
    EXPECT_EQ(buttons.scan("/nonexistent"), 0U);
}

TEST(MachineSetup, SysctlsAreWrittenAndWrongOnesReported) {
    char name[] = "/tmp/diatom-sysctl-XXXXXX";
    const std::string dir = ::mkdtemp(name);
    ASSERT_TRUE(sys::make_dirs(dir + "/net/ipv4"));
    ASSERT_TRUE(sys::write_file(dir + "/net/ipv4/ip_forward", "0"));
    ASSERT_TRUE(sys::write_file(dir + "/conf", "# a\n\nnet.ipv4.ip_forward = 1\nno.such.key = 1\nrubbish\n../x = 1\n"));
    const auto problems = apply_sysctls(dir + "/conf", dir);
    EXPECT_EQ(*sys::read_file(dir + "/net/ipv4/ip_forward"), "1");
    EXPECT_EQ(problems.size(), 3U);
    EXPECT_EQ(apply_sysctls(dir + "/none", dir).size(), 1U);
    ASSERT_TRUE(sys::remove_tree(dir));
}

TEST(MachineSetup, MachineIdOfUuid) {
    EXPECT_EQ(machine_id_of_uuid("9F4C0B1E-1111-4222-8333-0123456789ab\n"), "9f4c0b1e1111422283330123456789ab");
    EXPECT_EQ(machine_id_of_uuid("00000000-0000-0000-0000-000000000000"), "");
    EXPECT_EQ(machine_id_of_uuid("ffffffff-ffff-ffff-ffff-ffffffffffff"), "");
    EXPECT_EQ(machine_id_of_uuid("Not Settable"), "");
}

TEST(MachineSetup, MachineIdIsKeptOnAPartition) {
    char name[] = "/tmp/diatom-id-XXXXXX";
    const std::string dir = ::mkdtemp(name);
    const auto first = set_machine_id(dir, true, dir + "/etc-machine-id");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->size(), 32U);
    EXPECT_EQ(*set_machine_id(dir, true, dir + "/etc-machine-id"), *first);
    ASSERT_TRUE(save_random_seed(dir));
    EXPECT_EQ(sys::read_file(dir + "/random-seed")->size(), 512U);
    ASSERT_TRUE(sys::remove_tree(dir));
}

}  // namespace
}  // namespace diatom::init
