// Containers from launch() to their exit.
#include <gmock/gmock.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "runtime/testing/container.h"
#include "runtime/testing/main.h"
#include "sys/mount.h"

namespace diatom::runtime::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Container : public ContainerTest {};

TEST_F(Container, PrintsAndExits) {
    const auto outcome = run(shell("echo hello; exit 7"));
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "hello\n");
    EXPECT_EQ(outcome.code, 7);
}

TEST_F(Container, EndsBySignal) {
    // PID 1 of a namespace gets no signal that it does not handle, so a child dies and the shell passes its status on.
    EXPECT_EQ(run(shell("sh -c 'kill -TERM $$'; exit $?")).code, 143);
    const auto created = launch(spec({"sleep", "100"}), {});
    ASSERT_TRUE(created) << created.error().what();
    auto& container = const_cast<Created&>(*created);
    ASSERT_TRUE(container.start());
    ASSERT_TRUE(sys::send_signal(container.pidfd(), SIGKILL));
    EXPECT_EQ(sys::wait_exit(container.pidfd())->shell_code(), 137);
}

TEST_F(Container, ReadsItsInput) { EXPECT_EQ(run(spec({"cat"}), "one\ntwo\n").out, "one\ntwo\n"); }

TEST_F(Container, ReportsMissingPrograms) {
    auto outcome = run(spec({"nope"}));
    EXPECT_EQ(outcome.error, "exec: \"nope\": executable file not found in $PATH");
    EXPECT_EQ(outcome.kind, Kind::not_found);
    outcome = run(spec({"/nope"}));
    EXPECT_EQ(outcome.error, "exec: \"/nope\": stat /nope: no such file or directory");
    EXPECT_EQ(outcome.kind, Kind::not_found);
    ASSERT_TRUE(sys::write_file(root() + "/script", "#!/nowhere\n", 0755));
    outcome = run(spec({"/script"}));
    EXPECT_EQ(outcome.error, "exec /script: no such file or directory");
    EXPECT_EQ(outcome.kind, Kind::not_found);
}

TEST_F(Container, ReportsWhatIsNotExecutable) {
    ASSERT_TRUE(sys::write_file(root() + "/x", "data", 0644));
    auto outcome = run(spec({"/x"}));
    EXPECT_EQ(outcome.error, "exec: \"/x\": permission denied");
    EXPECT_EQ(outcome.kind, Kind::denied);
    outcome = run(spec({"/etc"}));
    EXPECT_EQ(outcome.error, "exec: \"/etc\": is a directory");
    EXPECT_EQ(outcome.kind, Kind::denied);
    ASSERT_TRUE(sys::write_file(root() + "/y", "no program", 0755));
    EXPECT_EQ(run(spec({"/y"})).error, "exec /y: exec format error");
}

TEST_F(Container, HasItsEnvironmentUserAndDirectory) {
    auto given = shell("env | sort; id; pwd; umask; hostname; cat /proc/sys/kernel/domainname");
    given.process.env.push_back("COLOUR=blue");
    given.process.user = {.uid = 1000, .gid = 1001, .additional_gids = {1001, 2000}, .umask = 0027};
    given.process.cwd = "/work/deep";
    given.process.make_cwd = true;
    given.hostname = "box";
    given.domainname = "example";
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out,
              "COLOUR=blue\nPATH=/bin\nPWD=/work/deep\nSHLVL=1\nuid=1000(web) gid=1001(web) "
              "groups=1001(web),2000(extra)\n/work/deep\n0027\nbox\nexample\n");
}

TEST_F(Container, WithoutAProcessIsMadeAndNotStarted) {
    const auto outcome = run(spec({}));
    EXPECT_THAT(outcome.error, HasSubstr("no process to start"));
    EXPECT_EQ(outcome.kind, Kind::invalid);
    EXPECT_EQ(launch(spec({}), {}, ProgramCheck::at_launch).error().what(), "no command specified");
}

// More than a packet takes: the request goes through a file in memory.
TEST_F(Container, TakesALargeEnvironment) {
    auto given = shell("echo ${#V0} ${#V9}");
    for (int i = 0; i < 10; ++i) given.process.env.push_back(std::format("V{}={}", i, std::string(100'000, 'v')));
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "100000 100000\n");
}

TEST_F(Container, HasATerminalOfTheGivenSize) {
    auto given = shell("tty; stty size; test -c /dev/console && echo console; id -u; stat -c %u /dev/pts/0");
    given.process.terminal = true;
    given.process.rows = 33;
    given.process.columns = 121;
    given.process.user = {.uid = 1000, .gid = 1001};
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "/dev/pts/0\r\n33 121\r\nconsole\r\n1000\r\n1000\r\n");
}

TEST_F(Container, HasNamespacesOfItsOwn) {
    // Itself is the only process, and the loopback the only network device.
    const auto outcome = run(shell("echo $$; set -- /proc/[0-9]*; echo $#; grep -c : /proc/net/dev"));
    EXPECT_EQ(outcome.out, "1\n1\n1\n");
}

TEST_F(Container, HasDockersDevicesAndNoOthers) {
    const auto outcome =
        run(shell("ls /dev; cat /dev/null; head -c 4 /dev/zero | wc -c; readlink /dev/fd; readlink /dev/ptmx; stat -c "
                  "%a /dev/null"));
    EXPECT_EQ(outcome.out,
              "core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n"
              "4\n/proc/self/fd\npts/ptmx\n666\n");
}

TEST_F(Container, SeesNoDescriptorOfTheHost) {
    const auto outcome = run(shell("ls /proc/self/fd; ls -l /proc/1/fd | grep -c socket"));
    EXPECT_EQ(outcome.out, "0\n1\n2\n3\n0\n");  // 3: the directory that ls reads
}

TEST_F(Container, HidesAndProtectsPaths) {
    const auto outcome =
        run(shell("cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic; "
                  "grep -c '^[^ ]* /proc/irq proc ro,' /proc/mounts; mkdir /sys/x"));
    EXPECT_THAT(outcome.out, HasSubstr("0\n0\n"));
    EXPECT_THAT(outcome.out, HasSubstr("/proc/sys/kernel/panic: Read-only file system"));
    EXPECT_THAT(outcome.out, HasSubstr("\n1\n"));
    EXPECT_THAT(outcome.out, HasSubstr("'/sys/x': "));
}

TEST_F(Container, MountsAsAsked) {
    ASSERT_TRUE(sys::make_dirs(home() + "/data"));
    ASSERT_TRUE(sys::write_file(home() + "/data/file", "host"));
    auto given = shell(
        "cat /mnt/a/file /one; touch /mnt/a/x; touch /mnt/b/new; grep ' /scratch ' /proc/mounts; stat -c %a /scratch");
    given.mounts.push_back({"/mnt/a", "bind", home() + "/data", {"rbind", "ro", "rprivate"}});
    given.mounts.push_back({"/mnt/b", "bind", home() + "/data", {"rbind", "rw"}});
    given.mounts.push_back({"/one", "bind", home() + "/data/file", {"bind", "ro"}});
    given.mounts.push_back({"/scratch", "tmpfs", "tmpfs", {"nosuid", "size=1m", "mode=1770"}});
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.out, HasSubstr("hosthost"));
    EXPECT_THAT(outcome.out, HasSubstr("/mnt/a/x: Read-only file system"));
    EXPECT_THAT(outcome.out, HasSubstr("rw,nosuid"));
    EXPECT_THAT(outcome.out, HasSubstr("size=1024k"));
    EXPECT_THAT(outcome.out, HasSubstr("1770\n"));
    EXPECT_TRUE(sys::exists(home() + "/data/new"));
    EXPECT_FALSE(sys::is_mount_point(root()));
}

TEST_F(Container, RefusesMountsThatItCannotMake) {
    auto given = shell("true");
    given.mounts.push_back({"/mnt", "bind", home() + "/absent", {"rbind"}});
    EXPECT_THAT(run(given).error, HasSubstr("absent to /mnt: clone mount"));
    given.mounts.back() = {"/mnt", "tmpfs", "tmpfs", {"colour=blue"}};
    EXPECT_THAT(run(given).error, HasSubstr("mount /mnt in container: mount tmpfs: option colour=blue"));
    given.mounts.back() = {"/mnt", "tmpfs", "tmpfs", {"idmap"}};
    EXPECT_THAT(run(given).error, HasSubstr("only a bind mount can be idmapped"));
    given.mounts.back() = {"/mnt", "tmpfs", "tmpfs", {"remount"}};
    EXPECT_THAT(run(given).error, HasSubstr("\"remount\" is not supported"));
    given.mounts.back() = {"/proc/sys", "tmpfs", "tmpfs", {}};
    EXPECT_THAT(run(given).error, HasSubstr("nothing may be mounted inside /proc"));
}

TEST_F(Container, KeepsItsRootReadOnly) {
    auto given = shell("touch /x; touch /dev/shm/y && echo shm");
    given.root.read_only = true;
    const auto outcome = run(given);
    EXPECT_THAT(outcome.out, HasSubstr("/x: Read-only file system"));
    EXPECT_THAT(outcome.out, HasSubstr("shm"));
}

TEST_F(Container, RunsOnAnOverlay) {
    for (const char* dir : {"/upper", "/work", "/merged", "/layer/added"}) ASSERT_TRUE(sys::make_dirs(home() + dir));
    auto given = shell("ls -d /added /bin && echo new > /written");
    given.root = {.source = Root::Source::overlay,
                  .path = home() + "/merged",
                  .lower = {home() + "/layer", root()},
                  .upper = home() + "/upper",
                  .work = home() + "/work"};
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "/added\n/bin\n");
    EXPECT_EQ(sys::read_file(home() + "/upper/written").value_or(""), "new\n");
    EXPECT_FALSE(sys::exists(root() + "/written"));
    EXPECT_FALSE(sys::is_mount_point(home() + "/merged"));
}

TEST_F(Container, RunsOnTheHostsRoot) {
    auto given =
        spec({"/bin/busybox", "sh", "-c", "pwd; test -d /src && echo host; mount -t tmpfs none /mnt && echo mounted"});
    given.root = {.source = Root::Source::host};
    given.namespaces = {{NamespaceKind::mount}};
    given.mounts.clear();
    given.process.cwd = "/tmp";
    given.process.capabilities.bounding = given.process.capabilities.effective = given.process.capabilities.permitted =
        all_capabilities();
    given.seccomp.reset();
    given.masked_paths.clear();
    given.readonly_paths.clear();
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "/tmp\nhost\nmounted\n");
    EXPECT_FALSE(sys::is_mount_point("/mnt"));
}

TEST_F(Container, EndsWhenNobodyStartsIt) {
    Fd pidfd;
    {
        auto created = launch(spec({"sleep", "100"}), {});
        ASSERT_TRUE(created) << created.error().what();
        EXPECT_EQ(sys::reap(created->pidfd()).value(), std::nullopt) << "it ended before it was started";
        pidfd = created->take_pidfd();
    }
    const auto status = sys::wait_exit(pidfd);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 1);
}

TEST_F(Container, EndsWhenItsCallerIsKilled) {
    auto [reader, writer] = sys::make_pipe().value();
    const auto caller = proc::spawn({.path = "/proc/self/exe",
                                     .argv = {std::string(kCallerName), dump_json(encode(spec({"sleep", "100"})))},
                                     .env = {},
                                     .fds = {{writer, 1}}});
    ASSERT_TRUE(caller) << caller.error().what();
    writer.reset();
    char line[32] = {};
    ASSERT_GT(::read(reader.raw(), line, sizeof line - 1), 0);
    const auto pid = parse_int(trim(line));
    ASSERT_TRUE(pid);
    const Fd container = sys::open_pidfd(static_cast<pid_t>(*pid)).value();
    ASSERT_TRUE(sys::send_signal(caller->pidfd, SIGKILL));
    std::ignore = sys::wait_exit(caller->pidfd);
    pollfd end{container.raw(), POLLIN, 0};
    EXPECT_EQ(::poll(&end, 1, 30'000), 1) << "the container outlived its caller";
}

TEST_F(Container, StartsFromManyThreadsAtOnce) {
    constexpr int kThreads = 4, kEach = 5;
    std::atomic<int> right = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < kEach; ++i) {
                    const auto outcome = run(shell(std::format("echo {}.{}; ls /proc/self/fd | wc -l", t, i)));
                    right += outcome.out == std::format("{}.{}\n4\n", t, i) ? 1 : 0;
                }
            });
        }
    }
    EXPECT_EQ(right, kThreads * kEach);
}

TEST_F(Container, SetsSysctlsOfItsNamespacesOnly) {
    auto given = shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax");
    given.sysctl = {{"net.ipv4.ip_unprivileged_port_start", "0"}, {"kernel.msgmax", "9000"}};
    EXPECT_EQ(run(given).out, "0\n9000\n");
    given.sysctl = {{"kernel.panic", "1"}};
    EXPECT_THAT(run(given).error, HasSubstr("not in a separate kernel namespace"));
    given.sysctl = {{"net.ipv4/../../kernel/panic", "1"}};
    EXPECT_THAT(run(given).error, HasSubstr("is no sysctl"));
}

TEST_F(Container, ObeysLimitsAndScore) {
    auto given = shell("ulimit -n; ulimit -f; cat /proc/self/oom_score_adj");
    given.process.rlimits = {{"RLIMIT_NOFILE", 100, 200}, {"RLIMIT_FSIZE", 1024, 1024}};
    given.process.oom_score_adj = 300;
    EXPECT_EQ(run(given).out, "100\n2\n300\n");
    given.process.rlimits = {{"RLIMIT_SOUP", 1, 1}};
    EXPECT_THAT(run(given).error, HasSubstr("RLIMIT_SOUP"));
}

}  // namespace
}  // namespace diatom::runtime::testing
