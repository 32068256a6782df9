// What a container may not do, and the published ways out of one.
#include <gmock/gmock.h>

#include "runtime/testing/container.h"
#include "sys/mount.h"

namespace diatom::runtime::testing {
namespace {

using ::testing::HasSubstr;

class Confinement : public ContainerTest {};

constexpr const char* kShowStatus = "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status";

// CVE-2022-24769: none of them is inheritable.
TEST_F(Confinement, GivesDockersCapabilities) {
    const auto outcome = run(shell(kShowStatus));
    // 14 capabilities: the value that Docker's own containers show.
    EXPECT_EQ(outcome.out,
              "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n"
              "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
}

TEST_F(Confinement, LeavesAUserWithoutThem) {
    auto given = shell(kShowStatus);
    given.process.user = {.uid = 1000, .gid = 1000};
    given.process.no_new_privileges = true;
    EXPECT_EQ(run(given).out,
              "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
              "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
    given.process.capabilities.inheritable = given.process.capabilities.ambient = {"CAP_NET_BIND_SERVICE"};
    EXPECT_THAT(run(given).out, HasSubstr("CapEff:\t0000000000000400"));
}

TEST_F(Confinement, RefusesUnknownCapabilities) {
    auto given = shell("true");
    given.process.capabilities.bounding = {"CAP_SYS_ADMINN"};
    EXPECT_THAT(run(given).error,
                HasSubstr("no such capability: \"CAP_SYS_ADMINN\" (did you mean \"CAP_SYS_ADMIN\"?)"));
}

// CVE-2022-0492 needs what the default profile denies.
TEST_F(Confinement, FiltersSystemCalls) {
    EXPECT_THAT(run(shell("unshare -U true")).out, HasSubstr("Operation not permitted"));
    EXPECT_THAT(run(shell("mount -t tmpfs x /tmp")).out, HasSubstr("permission denied"));
    auto given = shell("mkdir /x; echo $?");
    given.seccomp = Seccomp{
        .default_action = "SCMP_ACT_ALLOW",
        .rules = {{.names = {"mkdir", "mkdirat", "no_such_call"}, .action = "SCMP_ACT_ERRNO", .errno_value = 95}}};
    EXPECT_THAT(run(given).out, HasSubstr("Operation not supported\n1\n"));
    given.seccomp->rules[0].action = "SCMP_ACT_SHOUT";
    EXPECT_THAT(run(given).error, HasSubstr("no such action: \"SCMP_ACT_SHOUT\""));
}

TEST_F(Confinement, RunsPrivileged) {
    auto given =
        shell("grep Seccomp: /proc/self/status; mount -t tmpfs x /tmp && echo mounted; test -e /dev/kmsg && echo kmsg");
    make_privileged(given);
    EXPECT_EQ(run(given).out, "Seccomp:\t0\nmounted\nkmsg\n");
}

// Links of the image that lead out, at the place where something is mounted (CVE-2021-30465 and others).
TEST_F(Confinement, ResolvesMountTargetsInTheRoot) {
    ASSERT_TRUE(sys::make_dirs(home() + "/outside"));
    ASSERT_TRUE(sys::make_dirs(home() + "/data"));
    ASSERT_EQ(::symlink((std::string("/../../../../../../../../..") + home() + "/outside").c_str(),
                        (root() + "/escape").c_str()),
              0);
    ASSERT_EQ(::symlink("../../../../../../outside", (root() + "/relative").c_str()), 0);
    auto given = shell("grep -c volume /proc/mounts; readlink -f /escape/volume");
    given.mounts.push_back({"/escape/volume", "bind", home() + "/data", {"rbind"}});
    given.mounts.push_back({"/relative/volume", "bind", home() + "/data", {"rbind"}});
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "2\n" + home() + "/outside/volume\n");
    EXPECT_TRUE(sys::list_dir(home() + "/outside")->empty());
    EXPECT_TRUE(sys::exists(root() + home() + "/outside/volume"));
    EXPECT_TRUE(sys::exists(root() + "/outside/volume"));
}

TEST_F(Confinement, MakesTheTargetOfADanglingLink) {
    ASSERT_TRUE(sys::write_file(home() + "/resolv", "nameserver 127.0.0.11\n"));
    ASSERT_EQ(::symlink("../run/stub/resolv.conf", (root() + "/etc/resolv.conf").c_str()), 0);
    auto given = shell("cat /etc/resolv.conf /run/stub/resolv.conf");
    given.mounts.push_back({"/etc/resolv.conf", "bind", home() + "/resolv", {"rbind", "ro"}});
    EXPECT_EQ(run(given).out, "nameserver 127.0.0.11\nnameserver 127.0.0.11\n");
    ASSERT_EQ(::symlink("loop", (root() + "/loop").c_str()), 0);
    given.mounts.back().destination = "/loop";
    EXPECT_THAT(run(given).error, HasSubstr("symbolic links"));
}

// CVE-2019-19921: a /proc of the image that is a link to what a volume holds.
TEST_F(Confinement, RefusesALinkForProc) {
    ASSERT_TRUE(sys::remove_tree(root() + "/proc"));
    ASSERT_EQ(::symlink("tmp", (root() + "/proc").c_str()), 0);
    EXPECT_THAT(run(shell("true")).error, HasSubstr("/proc of the image is a link or a file"));
}

// CVE-2024-21626: a working directory through a descriptor of the host.
TEST_F(Confinement, RefusesAWorkingDirectoryOutside) {
    for (int number = 3; number < 12; ++number) {
        auto given = shell("ls ../../..");
        given.process.cwd = std::format("/proc/self/fd/{}", number);
        const auto outcome = run(given);
        EXPECT_THAT(outcome.error, HasSubstr("working directory")) << outcome.out;
    }
    ASSERT_EQ(::symlink("/proc/self/fd/3/..", (root() + "/sneaky").c_str()), 0);
    auto given = shell("pwd");
    given.process.cwd = "/sneaky";
    EXPECT_NE(run(given).error, "");
}

// CVE-2019-5736: an image whose program is a link to /proc/self/exe runs ours, and may not change it.
TEST_F(Confinement, CannotWriteTheProgramThatStartedIt) {
    ASSERT_EQ(::symlink("/proc/self/exe", (root() + "/bin/self").c_str()), 0);
    const auto path = executor_path();
    ASSERT_TRUE(path);
    if (const auto writable = sys::open_path(*path, O_WRONLY)) {
        EXPECT_LT(::write(writable->raw(), "x", 1), 0);
        EXPECT_EQ(errno, EPERM);
        EXPECT_LT(::ftruncate(writable->raw(), 0), 0);
    } else {
        EXPECT_EQ(writable.error().error_number(), EROFS) << writable.error().what();
    }
    // It does run, as the executor without a request, and just fails.
    EXPECT_NE(run(spec({"self"})).code, 0);
}

// CVE-2025-52565: what an image has at /dev/console and /dev/pts is of no consequence.
TEST_F(Confinement, TakesItsTerminalFromTheKernelOnly) {
    auto given = shell("tty");
    given.process.terminal = true;
    std::erase_if(given.mounts,
                  [](const Mount& mount) { return mount.type == "devpts" || mount.destination == "/dev"; });
    given.mounts.erase(std::ranges::find(given.mounts, "/dev/mqueue", &Mount::destination));
    given.mounts.erase(std::ranges::find(given.mounts, "/dev/shm", &Mount::destination));
    ASSERT_TRUE(sys::make_dirs(root() + "/dev/pts"));
    ASSERT_TRUE(sys::write_file(root() + "/dev/pts/ptmx", "fake"));
    EXPECT_THAT(run(given).error, HasSubstr("is not the kernel's"));
}

TEST_F(Confinement, LivesInAUserNamespace) {
    for (const char* path : {"", "/root"}) ASSERT_EQ(::chown((home() + path).c_str(), 100000, 100000), 0);
    ASSERT_EQ(::chmod(home().c_str(), 0755), 0);
    auto given = shell(
        "id -u; cat /proc/self/uid_map; echo x > /dev/null && touch /owned && cat /proc/sys/kernel/overflowuid; "
        "stat -c %t:%T /dev/zero");
    given.namespaces.push_back({NamespaceKind::user});
    given.uid_mappings = given.gid_mappings = {{0, 100000, 65536}};
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.out, HasSubstr("0\n         0     100000      65536\n65534\n1:5\n"));
    EXPECT_EQ(sys::stat_path(root() + "/owned").value_or(decltype(sys::stat_path(""))::value_type{}).st_uid, 100000U);
    given.uid_mappings.clear();
    EXPECT_THAT(run(given).error, HasSubstr("needs uidMappings"));
}

}  // namespace
}  // namespace diatom::runtime::testing
