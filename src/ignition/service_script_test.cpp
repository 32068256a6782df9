// The scripts, run by a shell.
#include "ignition/service_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proc/spawn.h"
#include "tests/support/temp_dir.h"

namespace diatom::ignition {
namespace {

using ::testing::HasSubstr;

proc::Output run(const std::string& script) {
    const auto output =
        proc::run({.path = "/bin/sh", .argv = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin", "MANY=1 2"}}, 20'000);
    EXPECT_TRUE(output) << (output ? "" : output.error().what());
    return output ? *output : proc::Output{};
}

ServicePlan plan(std::string_view main) { return {.main = *parse_exec(main)}; }

TEST(ServiceScript, ReadsEnvironmentFiles) {
    const test::TempDir directory;
    std::ofstream(directory / "env")
        << "# c\n\nA=1\nB=\"two words\"\nC=a; echo $(id)\n;x\nnonsense\nD='q'\nE=x=y\n1F=z\nG-H=z\nLAST=l";
    auto service = plan("/bin/printf %s| ${A} ${B} ${C} ${D} ${E} ${LAST} ${NONE} $MANY");
    service.files = {{directory / "env", false}, {directory / "none", true}};
    EXPECT_EQ(run(service.script()).out, "1|two words|a; echo $(id)|q|x=y|l||1|2|");
}

TEST(ServiceScript, RunsInSystemdsOrder) {
    auto service = plan("/bin/echo main");
    service.oneshot = true;
    service.before = *parse_exec("/bin/echo before ; -/bin/false");
    service.after = *parse_exec("/bin/echo after");
    service.stop = *parse_exec("/bin/echo stop");
    service.cleanup = *parse_exec("/bin/echo cleanup");
    const auto output = run(service.script());
    EXPECT_EQ(output.out, "before\nmain\nafter\nstop\ncleanup\n");
    EXPECT_EQ(output.status.code, 0);
    service.before = *parse_exec("/bin/false");
    EXPECT_EQ(run(service.script()).out, "");
    EXPECT_EQ(run(service.script()).status.code, 1);
    service.conditions = *parse_exec("/bin/false");
    EXPECT_EQ(run(service.script()).status.code, 0);
}

TEST(ServiceScript, StopsItsProgramAndKeepsItsCode) {
    auto service = plan("/bin/sh -c 'trap \"exit 3\" USR1; echo main; while :; do sleep 0.1; done'");
    service.stop = *parse_exec("/bin/echo stop");
    service.after = *parse_exec("/bin/sh -c 'sleep 0.3; kill -TERM $PPID'");
    service.cleanup = *parse_exec("/bin/echo cleanup");
    service.signal = "USR1";
    const auto output = run(service.script());
    EXPECT_EQ(output.out, "main\nstop\ncleanup\n");
    EXPECT_EQ(output.status.code, 3);
}

}  // namespace
}  // namespace diatom::ignition
