// Cgroups of containers. Needs a hierarchy of version 2; its controllers only where limits are looked at.
#include <gmock/gmock.h>

#include <format>

#include "runtime/resources.h"
#include "runtime/testing/container.h"

namespace diatom::runtime::testing {
namespace {

using ::testing::HasSubstr;

// Of this process alone: tests run side by side.
const std::string& parent_group() {
    static const std::string kName = std::format("diatom-runtime-test-{}", ::getpid());
    return kName;
}

class CgroupTest : public ContainerTest {
protected:
    void SetUp() override {
        ContainerTest::SetUp();
        if (IsSkipped()) return;
        if (!sys::Cgroup::create(parent_group())) GTEST_SKIP() << "no cgroups of version 2 here";
    }
    void TearDown() override {
        EXPECT_TRUE(sys::Cgroup::remove(parent_group()));
        ContainerTest::TearDown();
    }
    Spec in_cgroup(Spec given) const {
        given.cgroup = parent_group() + "/one";
        return given;
    }
    static bool has_controller(const std::string& name) {
        const auto parent = sys::Cgroup::open(parent_group());
        return parent && parent->get("cgroup.controllers").value_or("").contains(name);
    }
};

TEST_F(CgroupTest, HoldsTheContainerFromItsBirth) {
    EXPECT_THAT(
        run(in_cgroup(shell("grep ^0: /proc/self/cgroup; test -e /sys/fs/cgroup/cgroup.procs && echo own"))).out,
        "0::/\nown\n");
    const auto given = in_cgroup(spec({"sleep", "1000"}));
    const Running container(given);
    EXPECT_THAT(sys::Cgroup::open(given.cgroup)->pids().value(),
                ::testing::ElementsAre(container.created().process().pid));
    EXPECT_THAT(run_in(container.created(), given, {.args = {"grep", "^0:", "/proc/self/cgroup"}}).out, "0::/\n");
    EXPECT_THAT(run(given).error, HasSubstr("holds processes already"));
    EXPECT_TRUE(sys::Cgroup::open(given.cgroup)->kill());
}

// More programs than a cgroup takes (64), were those of earlier runs left in it.
TEST_F(CgroupTest, BeginsAnewEachTime) {
    const auto given = in_cgroup(spec({"true"}));
    for (int i = 0; i < 70; ++i) {
        const auto made = make_cgroup(given.cgroup, given.resources);
        ASSERT_TRUE(made) << i << ": " << made.error().what();
    }
}

TEST_F(CgroupTest, FiltersDevices) {
    auto given = in_cgroup(shell("head -c 1 /dev/zero | wc -c; mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem"));
    const auto outcome = run(given);
    if (outcome.error.contains("BPF")) GTEST_SKIP() << outcome.error;
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.out, HasSubstr("1\n"));
    EXPECT_THAT(outcome.out, HasSubstr("/tmp/mem: Operation not permitted"));
}

TEST_F(CgroupTest, TakesLimits) {
    if (!has_controller("pids")) GTEST_SKIP() << "no controllers of version 2 here";
    auto given = in_cgroup(shell("cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max"));
    given.resources.pids_max = 50;
    given.resources.memory_max = 64 << 20U;
    given.resources.cpu_quota_us = 20000;
    EXPECT_EQ(run(given).out, "50\n67108864\n20000 100000\n");
}

TEST_F(CgroupTest, LeavesNothingBehindWhenItFails) {
    auto given = in_cgroup(shell("true"));
    given.resources.unified = {{"no.such", "1"}};
    EXPECT_THAT(run(given).error, HasSubstr("no.such"));
    EXPECT_FALSE(sys::Cgroup::open(given.cgroup));
    given.resources.unified = {{"../cgroup.procs", "1"}};
    EXPECT_THAT(run(given).error, HasSubstr("is no cgroup file"));
    given.resources.unified.clear();
    given.hostname = std::string(200, 'x');
    EXPECT_THAT(run(given).error, HasSubstr("set host name"));
    EXPECT_FALSE(sys::Cgroup::open(given.cgroup));
}

}  // namespace
}  // namespace diatom::runtime::testing
