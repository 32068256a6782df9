// Processes that join a running container.
#include <gmock/gmock.h>

#include "runtime/testing/container.h"

namespace diatom::runtime::testing {
namespace {

using ::testing::HasSubstr;

class Exec : public ContainerTest {
protected:
    static Process process(std::vector<std::string> args) { return Process{.args = std::move(args)}; }
};

TEST_F(Exec, SeesTheContainer) {
    auto given = spec({"sleep", "1000"});
    given.hostname = "box";
    const Running container(given);
    const auto outcome =
        run_in(container.created(), given, process({"sh", "-c", "hostname; cat /proc/1/cmdline; exit 5"}));
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, std::string("box\nsleep\0"
                                       "1000\0",
                                       15));
    EXPECT_EQ(outcome.code, 5);
}

TEST_F(Exec, IsConfinedAsTheContainerIs) {
    const auto given = spec({"sleep", "1000"});
    const Running container(given);
    const auto outcome =
        run_in(container.created(), given,
               process({"sh", "-c",
                        "grep -E 'CapEff|CapBnd|Seccomp:' /proc/self/status; ls /proc/self/fd; "
                        "[ $(readlink /proc/self/ns/cgroup) = $(readlink /proc/1/ns/cgroup) ]; echo $?"}));
    EXPECT_EQ(outcome.out, "CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n0\n1\n2\n3\n0\n");
}

TEST_F(Exec, HasUserDirectoryAndTerminalOfItsOwn) {
    const auto given = spec({"sleep", "1000"});
    const Running container(given);
    auto joining = process({"sh", "-c", "id -u; pwd; tty; stty size"});
    joining.user = {.uid = 1000, .gid = 1001};
    joining.cwd = "/tmp";
    joining.terminal = true;
    joining.rows = 24;
    joining.columns = 80;
    EXPECT_EQ(run_in(container.created(), given, joining).out, "1000\r\n/tmp\r\n/dev/pts/0\r\n24 80\r\n");
}

TEST_F(Exec, ReportsMissingProgramsAndContainers) {
    const auto given = spec({"sleep", "1000"});
    sys::ProcessId gone;
    {
        const Running container(given);
        gone = container.created().process();
        const auto outcome = run_in(container.created(), given, process({"nope"}));
        EXPECT_EQ(outcome.error, "exec: \"nope\": executable file not found in $PATH");
        auto joining = process({"true"});
        joining.cwd = "/absent";
        EXPECT_THAT(run_in(container.created(), given, joining).error, HasSubstr("working directory"));
    }
    const auto created = exec(gone, given, process({"true"}), {});
    ASSERT_FALSE(created);
    EXPECT_THAT(created.error().what(), HasSubstr("the container is not running"));
}

TEST_F(Exec, JoinsAUserNamespace) {
    for (const char* path : {"", "/root"}) ASSERT_EQ(::chown((home() + path).c_str(), 100000, 100000), 0);
    ASSERT_EQ(::chmod(home().c_str(), 0755), 0);
    auto given = spec({"sleep", "1000"});
    given.namespaces.push_back({NamespaceKind::user});
    given.uid_mappings = given.gid_mappings = {{0, 100000, 65536}};
    const Running container(given);
    const auto outcome =
        run_in(container.created(), given, process({"sh", "-c", "id -u; head -n 1 /proc/self/uid_map"}));
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "0\n         0     100000      65536\n");
}

TEST_F(Exec, JoinsNamespacesByPath) {
    auto given = spec({"sleep", "1000"});
    given.hostname = "shared";
    const Running container(given);
    auto other = shell("hostname; echo $$ | grep -qv '^1$' && echo joined");
    for (auto& entry : other.namespaces) {
        const auto pid = container.created().process().pid;
        if (entry.kind == NamespaceKind::uts) entry.path = std::format("/proc/{}/ns/uts", pid);
        if (entry.kind == NamespaceKind::pid) entry.path = std::format("/proc/{}/ns/pid", pid);
        if (entry.kind == NamespaceKind::network) entry.path = std::format("/proc/{}/ns/net", pid);
    }
    const auto outcome = run(other);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.out, "shared\njoined\n");
}

}  // namespace
}  // namespace diatom::runtime::testing
