#include "sys/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <functional>

namespace diatom::sys {
namespace {

using testing::Optional;

// A child that runs `body` and exits with its result.
pid_t start(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a case that fails leaves no process behind
        ::_exit(body());
    }
    return pid;
}

int sleep_for_ever() {
    for (;;) ::pause();
}

TEST(Process, ExitCodeIsTold) {
    const auto pidfd = open_pidfd(start([] { return 7; })).value();
    const auto status = wait_exit(pidfd).value();
    EXPECT_EQ(status, ExitStatus{.code = 7});
    EXPECT_EQ(status.shell_code(), 7);
}

TEST(Process, SignalIsTold) {
    const auto pidfd = open_pidfd(start(sleep_for_ever)).value();
    EXPECT_FALSE(reap(pidfd).value()) << "still runs";
    EXPECT_FALSE(has_ended(pidfd));
    ASSERT_TRUE(send_signal(pidfd, SIGTERM));
    while (!has_ended(pidfd)) ::usleep(1000);
    const auto status = wait_exit(pidfd).value();
    EXPECT_TRUE(has_ended(pidfd)) << "reaped, too";
    EXPECT_EQ(status.signal, SIGTERM);
    EXPECT_EQ(status.shell_code(), 128 + SIGTERM);
}

TEST(Process, ReapedOnce) {
    const auto pidfd = open_pidfd(start([] { return 0; })).value();
    ASSERT_TRUE(wait_exit(pidfd));
    EXPECT_EQ(reap(pidfd).error().kind(), Kind::not_found);
    EXPECT_EQ(send_signal(pidfd, SIGTERM).error().error_number(), ESRCH);
}

TEST(Process, PeekedAtAsOftenAsOneLikes) {
    const auto pidfd = open_pidfd(start([] { return 7; })).value();
    while (!peek_exit(pidfd).value()) ::usleep(1000);
    EXPECT_EQ(peek_exit(pidfd).value()->code, 7);
    EXPECT_EQ(reap(pidfd).value()->code, 7);
    EXPECT_EQ(peek_exit(pidfd).error().kind(), Kind::not_found);
}

TEST(Process, NotOurChild) {
    const auto self = open_pidfd(::getpid()).value();
    EXPECT_EQ(reap(self).error().kind(), Kind::not_found);
}

TEST(Process, StartTimeTellsProcessesApart) {
    const pid_t pid = start(sleep_for_ever);
    const auto ticks = start_time(pid).value();
    EXPECT_TRUE(open_pidfd(ProcessId{pid, ticks}));
    EXPECT_EQ(open_pidfd(ProcessId{pid, ticks + 1}).error().kind(), Kind::not_found);
    const auto pidfd = open_pidfd(pid).value();
    ASSERT_TRUE(send_signal(pidfd, SIGKILL));
    ASSERT_TRUE(wait_exit(pidfd));
    EXPECT_EQ(start_time(pid).error().kind(), Kind::not_found);
}

TEST(Process, ZombieHasStartTimeAndState) {
    const pid_t pid = start([] { return 0; });
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
    EXPECT_TRUE(start_time(pid));
    EXPECT_EQ(process_state(pid).value(), 'Z');
    ASSERT_TRUE(wait_exit(open_pidfd(pid).value()));
}

TEST(Process, NamesWithParenthesesDoNotConfuse) {
    const pid_t pid = start([] {
        ::prctl(PR_SET_NAME, ") Z (9 9");
        ::raise(SIGSTOP);
        return 0;
    });
    const auto pidfd = open_pidfd(pid).value();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED), 0);
    EXPECT_EQ(process_state(pid).value(), 'T');
    EXPECT_GT(start_time(pid).value(), 0U);
    ASSERT_TRUE(send_signal(pidfd, SIGKILL));
    ASSERT_TRUE(wait_exit(pidfd));
}

TEST(Signals, ParseNamesAndNumbers) {
    for (const auto* name : {"SIGTERM", "TERM", "term", "SigTerm", "15"})
        EXPECT_THAT(parse_signal(name), Optional(15)) << name;
    EXPECT_THAT(parse_signal("KILL"), Optional(SIGKILL));
    EXPECT_THAT(parse_signal("WINCH"), Optional(SIGWINCH));
    EXPECT_THAT(parse_signal("SIGRTMIN+3"), Optional(SIGRTMIN + 3));
    EXPECT_THAT(parse_signal("RTMAX"), Optional(SIGRTMAX));
    EXPECT_THAT(parse_signal("RTMAX-1"), Optional(SIGRTMAX - 1));
    EXPECT_THAT(parse_signal("64"), Optional(64));
    for (const auto* bad :
         {"", "0", "65", "-1", "SIG", "SIGSIGTERM", "TERMX", "15x", " 15", "RTMIN+99", "RTMAX-99", "RTMIN+"}) {
        EXPECT_FALSE(parse_signal(bad)) << bad;
    }
}

TEST(Signals, NamesComeBack) {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (signal > 31 && signal < SIGRTMIN) continue;  // glibc's own
        EXPECT_THAT(parse_signal(signal_name(signal)), Optional(signal)) << signal_name(signal);
    }
    EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
    EXPECT_EQ(signal_name(1000), "signal 1000");
}

}  // namespace
}  // namespace diatom::sys
