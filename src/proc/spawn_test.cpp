#include "proc/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/strings.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "tests/support/fd_leak.h"
#include "tests/support/temp_dir.h"

namespace diatom::proc {
namespace {

using test::TempDir;
using testing::HasSubstr;

constexpr int kLong = 60'000;  // a timeout that is not meant to come

SpawnRequest shell(const std::string& script) {
    return {.path = "/bin/sh", .argv = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}};
}

std::string output_of(SpawnRequest request) {
    auto output = run(std::move(request), kLong);
    return output ? output->out : output.error().what();
}

// An open file whose contents are its name.
Fd named_file(const TempDir& temp, int name) {
    EXPECT_TRUE(sys::write_file(temp / std::to_string(name), std::to_string(name)));
    return sys::open_path(temp / std::to_string(name), O_RDONLY).value();
}

TEST(Spawn, RunsWithArgumentsEnvironmentAndDirectory) {
    SpawnRequest request = shell("echo \"$0|$1|$KEY|$PWD|$HOME\"");
    request.argv.insert(request.argv.end(), {"zero", "one two"});
    request.env.emplace_back("KEY=value");
    request.directory = "/usr";
    EXPECT_EQ(output_of(std::move(request)), "zero|one two|value|/usr|\n");
}

TEST(Spawn, StatusOfTheProgram) {
    EXPECT_EQ(run(shell("exit 3"), kLong)->status.code, 3);
    EXPECT_EQ(run(shell("kill -9 $$"), kLong)->status.signal, SIGKILL);
}

TEST(Spawn, ErrorsToExecuteComeBack) {
    const TempDir temp;
    const auto missing = spawn({.path = "/no/such/program", .argv = {"x"}});
    EXPECT_EQ(missing.error().error_number(), ENOENT);
    EXPECT_EQ(missing.error().kind(), Kind::not_found);
    EXPECT_THAT(missing.error().what(), HasSubstr("start /no/such/program: execute"));

    ASSERT_TRUE(sys::write_file(temp / "plain", "x"));
    EXPECT_EQ(spawn({.path = temp / "plain", .argv = {"x"}}).error().error_number(), EACCES);

    ASSERT_TRUE(sys::write_file(temp / "garbage", "not a program", 0755));
    EXPECT_EQ(spawn({.path = temp / "garbage", .argv = {"x"}}).error().error_number(), ENOEXEC);

    EXPECT_EQ(spawn({.path = temp.path(), .argv = {"x"}}).error().error_number(), EACCES);
}

// Tells what it finds to 3.
int tell_surroundings() {
    int open = 0;
    for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    const auto environment = sys::read_file("/proc/self/environ");
    if (!environment) return 1;
    const bool gone = environment->find_first_not_of('\0') == std::string::npos && *::environ == nullptr;
    const auto told = std::format("{} descriptors, environment {}", open, gone ? "gone" : "there");
    return sys::write_all(FdRef(3), told) ? 7 : 1;
}

std::string told_by_copy(Result<Child> child, Fd writer, FdRef reader) {
    writer.reset();
    if (!child) return child.error().what();
    const auto told = sys::read_all(reader);
    EXPECT_EQ(sys::wait_exit(child->pidfd)->code, 7);
    return told ? *told : told.error().what();
}

TEST(Spawn, CopyHasItsDescriptorsAndNoEnvironment) {
    const TempDir temp;
    const Fd other = named_file(temp, 1);  // close-on-exec alone would leave it open
    ASSERT_NE(*::environ, nullptr);
    const std::string first = *::environ;
    ASSERT_TRUE(can_copy_this_process());
    auto [reader, writer] = sys::make_pipe().value();
    SpawnRequest request{.path = "copy", .argv = {"copy"}, .entry = tell_surroundings};
    request.fds = {{writer, 3}};
    EXPECT_EQ(told_by_copy(spawn(request), std::move(writer), reader), "4 descriptors, environment gone");
    EXPECT_EQ(*::environ, first);
}

TEST(Spawn, NoCopyOfAProcessWithThreads) {
    std::jthread thread([](const std::stop_token& stop) {
        while (!stop.stop_requested()) ::usleep(1000);
    });
    EXPECT_FALSE(can_copy_this_process());
    EXPECT_EQ(spawn({.path = "copy", .argv = {"copy"}, .entry = tell_surroundings}).error().kind(), Kind::bug);
}

TEST(Spawn, FailureLeavesNoZombie) {
    ASSERT_FALSE(spawn({.path = "/no/such/program", .argv = {"x"}}));
    siginfo_t info{};
    EXPECT_LT(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Spawn, MissingDirectoryIsNamed) {
    SpawnRequest request = shell("true");
    request.directory = "/no/such/directory";
    const auto failed = spawn(request);
    EXPECT_EQ(failed.error().error_number(), ENOENT);
    EXPECT_THAT(failed.error().what(), HasSubstr("/no/such/directory"));
}

TEST(Spawn, BadRequestsAreOurBugs) {
    EXPECT_EQ(spawn({.path = "/bin/true"}).error().kind(), Kind::bug);
    SpawnRequest request = shell("true");
    request.fds = {{FdRef(), 3}};
    EXPECT_EQ(spawn(request).error().kind(), Kind::bug);
    request.fds = {{FdRef(1), 3}, {FdRef(2), 3}};
    EXPECT_EQ(spawn(request).error().kind(), Kind::bug);
}

// Reads every descriptor from `first` to 9 in the child: each file tells by its contents which one it was.
TEST(Spawn, PassesOverlappingDescriptors) {
    const TempDir temp;
    std::vector<Fd> files;
    for (int i = 0; i < 10; ++i) files.push_back(named_file(temp, i));
    // The targets 3..9 are numbers that our sources, and other descriptors of ours, hold: every order must work.
    std::mt19937 random(1);
    for (int round = 0; round < 20; ++round) {
        std::vector<int> order{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        std::ranges::shuffle(order, random);
        SpawnRequest request = shell("for n in 3 4 5 6 7 8 9; do cat /dev/fd/$n; printf ' '; done");
        std::string wanted;
        for (int number = 3; number < 10; ++number) {
            const int which = order[static_cast<std::size_t>(number)];
            request.fds.push_back({files[static_cast<std::size_t>(which)], number});
            wanted += std::to_string(which) + " ";
        }
        EXPECT_EQ(output_of(std::move(request)), wanted);
    }
}

TEST(Spawn, StandardDescriptorsCanBeSwapped) {
    auto [reader, writer] = sys::make_pipe().value();
    const TempDir temp;
    const auto input = named_file(temp, 7);
    SpawnRequest request = shell("cat; echo err >&2; readlink /dev/fd/1 >&5");
    request.fds = {{input, 0}, {writer, 2}, {writer, 5}};
    // Ours 0..2 exchanged among themselves: 1 goes to 4, 2 goes to 1.
    request.fds.push_back({FdRef(1), 4});
    request.fds.push_back({writer, 1});
    const auto child = spawn(request).value();
    writer.reset();
    request.fds.clear();
    EXPECT_THAT(sys::read_all(reader).value(), testing::StartsWith("7err\npipe:"));
    EXPECT_EQ(sys::wait_exit(child.pidfd)->code, 0);
}

TEST(Spawn, NothingElseIsInherited) {
    const TempDir temp;
    // A descriptor that somebody opened without O_CLOEXEC.
    const Fd leaky(::fcntl(named_file(temp, 1).raw(), F_DUPFD, 50));
    ASSERT_TRUE(leaky);
    SpawnRequest request = shell("ls /proc/self/fd");
    const std::string listing = output_of(std::move(request));
    EXPECT_THAT(split_words(listing), testing::ElementsAre("0", "1", "2", "3")) << "3 is the directory that ls reads";
}

TEST(Spawn, UnnamedStandardDescriptorsAreNull) {
    SpawnRequest request = shell("readlink /proc/self/fd/0");
    EXPECT_EQ(output_of(std::move(request)), "/dev/null\n");
}

TEST(Spawn, SignalsAreReset) {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR1, [](int) {});
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const std::string status = output_of({.path = "/bin/cat", .argv = {"cat", "/proc/self/status"}});
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, &before, &after);
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGUSR1, SIG_DFL);
    EXPECT_THAT(status, HasSubstr("SigIgn:\t0000000000000000"));
    EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
    EXPECT_THAT(status, HasSubstr("SigCgt:\t0000000000000000"));
    EXPECT_EQ(::sigismember(&after, SIGTERM), 1) << "ours stay as they were";
}

TEST(Spawn, MakesASession) {
    const auto session = [](bool fresh) {
        auto [reader, writer] = sys::make_pipe().value();
        SpawnRequest request = shell("cut -d' ' -f6 /proc/$$/stat");
        request.fds = {{writer, 1}};
        request.new_session = fresh;
        const auto child = spawn(request).value();
        writer.reset();
        const std::string text = sys::read_all(reader).value();
        EXPECT_TRUE(sys::wait_exit(child.pidfd));
        return std::pair{*parse_int(trim(text)), child.pid};
    };
    const auto [own, pid] = session(true);
    EXPECT_EQ(own, pid);
    EXPECT_EQ(session(false).first, ::getsid(0));
}

TEST(Spawn, TakesAControllingTerminal) {
    auto terminal = sys::open_terminal();
    if (!terminal) GTEST_SKIP() << terminal.error().what();
    const auto slave = sys::open_path(terminal->name, O_RDWR | O_NOCTTY);
    if (!slave) GTEST_SKIP() << slave.error().what();
    SpawnRequest request = shell("echo hello >/dev/tty; exit 5");
    request.fds = {{*slave, 0}, {*slave, 1}, {*slave, 2}};
    request.controlling_terminal = *slave;
    const auto child = spawn(request).value();
    EXPECT_EQ(sys::wait_exit(child.pidfd)->code, 5);
    char text[16] = {};
    EXPECT_GT(::read(terminal->master.raw(), text, sizeof text - 1), 0);
    EXPECT_THAT(text, HasSubstr("hello"));
}

TEST(Spawn, StartsInItsCgroup) {
    if (const auto mount = sys::Cgroup::mount_point(); !mount) GTEST_SKIP() << mount.error().what();
    const std::string path = std::format("diatom-spawn-test-{}", ::getpid());
    const auto group = sys::Cgroup::create(path);
    if (!group) GTEST_SKIP() << group.error().what();
    SpawnRequest request = shell("cat /proc/self/cgroup");
    request.cgroup = group->fd();
    EXPECT_THAT(output_of(std::move(request)), HasSubstr("/" + path));
    EXPECT_TRUE(sys::Cgroup::remove(path));
}

TEST(Spawn, OurOwnProgramByProc) {
    const std::string out = output_of({.path = "/proc/self/exe", .argv = {"self", "--gtest_list_tests"}});
    EXPECT_THAT(out, HasSubstr("OurOwnProgramByProc"));
}

TEST(Run, KeepsTheLastOutput) {
    const auto output = run(shell("head -c 200000 /dev/zero | tr '\\0' x; echo end"), kLong).value();
    EXPECT_EQ(output.out.size(), 64U << 10U);
    EXPECT_TRUE(output.out.ends_with("end\n"));
}

TEST(Run, JoinsErrorsToOutput) { EXPECT_EQ(output_of(shell("echo a; echo b >&2")), "a\nb\n"); }

TEST(Run, KillsAtTheTimeoutWithAllChildren) {
    auto [reader, writer] = sys::make_pipe().value();
    SpawnRequest request = shell("sleep 1000 & sleep 1000");
    request.fds = {{writer, 7}};
    const auto late = run(std::move(request), 50);
    EXPECT_EQ(late.error().kind(), Kind::timed_out);
    EXPECT_THAT(late.error().what(), HasSubstr("50 ms"));
    writer.reset();
    EXPECT_EQ(sys::read_all(reader).value(), "") << "comes back when the last of them has let go of descriptor 7";
}

TEST(Run, DoesNotWaitForAGrandchildThatKeepsThePipe) {
    auto [reader, writer] = sys::make_pipe().value();
    SpawnRequest request = shell("(read x) <&8 & echo started");
    request.fds = {{reader, 8}};
    EXPECT_EQ(output_of(std::move(request)), "started\n");
    writer.reset();  // ends the grandchild
}

TEST(Run, ManyAtOnce) {
    std::vector<Child> children;
    for (int i = 0; i < 20; ++i) children.push_back(spawn(shell(std::format("exit {}", i))).value());
    for (int i = 0; i < 20; ++i) EXPECT_EQ(sys::wait_exit(children[static_cast<std::size_t>(i)].pidfd)->code, i);
}

}  // namespace
}  // namespace diatom::proc
