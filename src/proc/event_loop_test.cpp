#include "proc/event_loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <new>
#include <optional>

#include "proc/spawn.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::proc {
namespace {

using testing::ElementsAre;
using Watch = EventLoop::Watch;

constexpr std::int64_t kMs = 1'000'000;

class EventLoopTest : public testing::Test {
protected:
    void SetUp() override {
        loop_ = EventLoop::create().value();
        auto pipe = sys::make_pipe().value();
        reader_ = std::move(pipe.first);
        writer_ = std::move(pipe.second);
    }
    void fill() { ASSERT_TRUE(sys::write_all(writer_, "x")); }
    void drain() {
        char byte = 0;
        ASSERT_EQ(::read(reader_.raw(), &byte, 1), 1);
    }
    Fd reader_, writer_;
    std::unique_ptr<EventLoop> loop_;
};

TEST_F(EventLoopTest, CallsWhenReady) {
    int calls = 0;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t events) {
        EXPECT_EQ(events, static_cast<std::uint32_t>(EPOLLIN));
        ++calls;
        drain();
    }));
    EXPECT_EQ(loop_->run_once(0).value(), 0);
    fill();
    EXPECT_EQ(loop_->run_once(-1).value(), 1);
    EXPECT_EQ(loop_->run_once(0).value(), 0);
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, IsLevelTriggered) {
    int calls = 0;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t) { ++calls; }));
    fill();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_EQ(calls, 3);
}

TEST_F(EventLoopTest, HangUpIsReported) {
    std::uint32_t seen = 0;
    ASSERT_TRUE(loop_->add(reader_, 0, [&](std::uint32_t events) { seen = events; }));
    writer_.reset();
    ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_TRUE((seen & EPOLLHUP) != 0);
}

TEST_F(EventLoopTest, RunEndsWithStop) {
    int calls = 0;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t) {
        if (++calls == 5) loop_->stop();
    }));
    fill();
    EXPECT_TRUE(loop_->run());
    EXPECT_EQ(calls, 5);
}

TEST_F(EventLoopTest, RemovesItselfInsideItsCallback) {
    // The callback owns something on the heap: it must live until the call is over.
    auto text = std::make_unique<std::string>(100, 'x');
    std::size_t length = 0;
    Watch watch{};
    watch = loop_
                ->add(reader_, EPOLLIN,
                      [&, text = std::move(text)](std::uint32_t) {
                          loop_->remove(watch);
                          loop_->remove(watch);
                          length += text->size();
                      })
                .value();
    fill();
    ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_EQ(loop_->run_once(0).value(), 0);
    EXPECT_EQ(length, 100U);
}

TEST_F(EventLoopTest, RemovesAnotherThatIsReadyInTheSameBatch) {
    auto [second, second_writer] = sys::make_pipe().value();
    std::vector<std::string> calls;
    Watch a{};
    Watch b{};
    a = loop_
            ->add(reader_, EPOLLIN,
                  [&](std::uint32_t) {
                      calls.emplace_back("a");
                      loop_->remove(b);
                  })
            .value();
    b = loop_
            ->add(second, EPOLLIN,
                  [&](std::uint32_t) {
                      calls.emplace_back("b");
                      loop_->remove(a);
                  })
            .value();
    fill();
    ASSERT_TRUE(sys::write_all(second_writer, "x"));
    ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_EQ(calls.size(), 1U) << "whichever comes first removes the other";
}

TEST_F(EventLoopTest, LateEventsDoNotReachASuccessor) {
    auto [second, second_writer] = sys::make_pipe().value();
    std::optional<Fd> closing(std::move(second));
    std::vector<Fd> replacements;
    int wrong = 0;
    Watch old{};
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t) {
        if (!closing) return;
        // Closed and its number taken by a new descriptor, while an event for the old one may wait in the batch.
        loop_->remove(old);
        closing.reset();
        auto pipe = sys::make_pipe().value();
        ASSERT_TRUE(loop_->add(pipe.first, EPOLLIN, [&](std::uint32_t) { ++wrong; }));
        replacements.push_back(std::move(pipe.first));
        replacements.push_back(std::move(pipe.second));
    }));
    old = loop_->add(*closing, EPOLLIN, [](std::uint32_t) {}).value();
    fill();
    ASSERT_TRUE(sys::write_all(second_writer, "x"));
    ASSERT_TRUE(loop_->run_once(-1));
    ASSERT_TRUE(loop_->run_once(0));
    EXPECT_EQ(wrong, 0);
}

TEST_F(EventLoopTest, DestroyingACallbackMayRemoveOthers) {
    struct Owner {
        EventLoop* loop;
        Watch watch;
        ~Owner() { loop->remove(watch); }
    };
    auto [second, second_writer] = sys::make_pipe().value();
    const Watch other = loop_->add(second, EPOLLIN, [](std::uint32_t) {}).value();
    const Watch first =
        loop_->add(reader_, EPOLLIN, [owner = std::make_unique<Owner>(loop_.get(), other)](std::uint32_t) {}).value();
    loop_->remove(first);
    ASSERT_TRUE(sys::write_all(second_writer, "x"));
    EXPECT_EQ(loop_->run_once(0).value(), 0);
}

TEST_F(EventLoopTest, AddsInsideACallback) {
    auto [second, second_writer] = sys::make_pipe().value();
    int calls = 0;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&, &other = second](std::uint32_t) {
        drain();
        ASSERT_TRUE(loop_->add(other, EPOLLIN, [&](std::uint32_t) { ++calls; }));
    }));
    fill();
    ASSERT_TRUE(sys::write_all(second_writer, "x"));
    ASSERT_TRUE(loop_->run_once(-1));
    ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, SurvivesWhatCallbacksThrow) {
    int calls = 0;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t) {
        if (++calls == 1) throw std::bad_alloc();
        if (calls == 2) throw 42;  // NOLINT: any type
        drain();
    }));
    fill();
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(loop_->run_once(-1));
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::HasSubstr("an event callback failed error=std::bad_alloc"));
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(loop_->run_once(0).value(), 0);
}

TEST_F(EventLoopTest, NestedRunIsRefused) {
    std::optional<Result<int>> nested;
    ASSERT_TRUE(loop_->add(reader_, EPOLLIN, [&](std::uint32_t) { nested = loop_->run_once(0); }));
    fill();
    ASSERT_TRUE(loop_->run_once(-1));
    EXPECT_EQ(nested->error().kind(), Kind::bug);
}

TEST_F(EventLoopTest, ChangeOfEvents) {
    int calls = 0;
    const Watch watch = loop_->add(reader_, EPOLLIN, [&](std::uint32_t) { ++calls; }).value();
    fill();
    ASSERT_TRUE(loop_->change(watch, 0));
    EXPECT_EQ(loop_->run_once(0).value(), 0);
    ASSERT_TRUE(loop_->change(watch, EPOLLIN));
    EXPECT_EQ(loop_->run_once(-1).value(), 1);
    loop_->remove(watch);
    EXPECT_EQ(loop_->change(watch, EPOLLIN).error().kind(), Kind::bug);
    loop_->remove(Watch::none);
}

TEST_F(EventLoopTest, RefusedDescriptorsLeaveNothing) {
    const auto file = sys::open_path("/proc/self/status", O_RDONLY).value();
    EXPECT_FALSE(loop_->add(FdRef(-1), EPOLLIN, [](std::uint32_t) {}));
    EXPECT_TRUE(loop_->add(reader_, EPOLLIN, [](std::uint32_t) {}));
    EXPECT_EQ(loop_->add(reader_, EPOLLIN, [](std::uint32_t) {}).error().kind(), Kind::conflict);
}

TEST_F(EventLoopTest, MoreThanOneBatch) {
    std::vector<std::pair<Fd, Fd>> pipes;
    int calls = 0;
    for (int i = 0; i < 150; ++i) {
        pipes.push_back(sys::make_pipe().value());
        ASSERT_TRUE(loop_->add(pipes.back().first, EPOLLIN, [&, fd = pipes.back().first.raw()](std::uint32_t) {
            char byte = 0;
            EXPECT_EQ(::read(fd, &byte, 1), 1);
            ++calls;
        }));
        ASSERT_TRUE(sys::write_all(pipes.back().second, "x"));
    }
    while (loop_->run_once(0).value() > 0) {}
    EXPECT_EQ(calls, 150);
}

TEST_F(EventLoopTest, TimersInOrder) {
    std::vector<int> order;
    ASSERT_TRUE(loop_->add_timer(20 * kMs, 0, [&] {
        order.push_back(2);
        loop_->stop();
    }));
    ASSERT_TRUE(loop_->add_timer(1 * kMs, 0, [&] { order.push_back(1); }));
    ASSERT_TRUE(loop_->add_timer(0, 0, [&] { order.push_back(0); }));
    const auto start = sys::monotonic_ns();
    ASSERT_TRUE(loop_->run());
    EXPECT_THAT(order, ElementsAre(1, 2));
    EXPECT_GE(sys::monotonic_ns() - start, 20 * kMs);
}

TEST_F(EventLoopTest, PeriodicTimerUntilDisarmed) {
    int calls = 0;
    Watch timer{};
    timer = loop_
                ->add_timer(kMs, kMs,
                            [&] {
                                if (++calls < 3) return;
                                EXPECT_TRUE(loop_->set_timer(timer, 0));
                                loop_->stop();
                            })
                .value();
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(loop_->run_once(5).value(), 0);
    EXPECT_EQ(calls, 3);
    ASSERT_TRUE(loop_->set_timer(timer, kMs));
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(calls, 4);
    loop_->remove(timer);
    EXPECT_EQ(loop_->set_timer(timer, kMs).error().kind(), Kind::bug);
    EXPECT_EQ(loop_->add_timer(-1, 0, [] {}).error().kind(), Kind::bug);
}

TEST_F(EventLoopTest, SignalsArriveWithTheirSender) {
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
    std::vector<int> seen;
    ASSERT_TRUE(loop_->add_signals({SIGUSR1, SIGUSR2}, [&](const signalfd_siginfo& info) {
        EXPECT_EQ(static_cast<pid_t>(info.ssi_pid), ::getpid());
        seen.push_back(static_cast<int>(info.ssi_signo));
        if (seen.size() == 2) loop_->stop();
    }));
    ::kill(::getpid(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    ASSERT_TRUE(loop_->run());
    EXPECT_THAT(seen, testing::UnorderedElementsAre(SIGUSR1, SIGUSR2));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(EventLoopTest, EndOfAChildByPidfd) {
    const auto child = spawn({.path = "/bin/sh", .argv = {"sh", "-c", "exit 4"}}).value();
    std::optional<sys::ExitStatus> status;
    ASSERT_TRUE(loop_->add(child.pidfd, EPOLLIN, [&](std::uint32_t) {
        status = sys::reap(child.pidfd).value();
        loop_->stop();
    }));
    ASSERT_TRUE(loop_->run());
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 4);
}

}  // namespace
}  // namespace diatom::proc
