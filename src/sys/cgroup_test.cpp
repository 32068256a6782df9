#include "sys/cgroup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/process.h"

namespace diatom::sys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CgroupTest : public testing::Test {
protected:
    void SetUp() override {
        const auto mount = Cgroup::mount_point();
        if (!mount) GTEST_SKIP() << mount.error().what();
        if (::access(mount->c_str(), W_OK) < 0) GTEST_SKIP() << "may not write to " << *mount;
        base_ = std::format("diatom-test-{}", ::getpid());
    }
    void TearDown() override {
        if (base_.empty()) return;
        EXPECT_TRUE(Cgroup::remove(base_));
    }
    // A child that sleeps, in the group.
    Fd start_in(const Cgroup& group) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) ::pause();
        }
        auto pidfd = open_pidfd(pid).value();
        EXPECT_TRUE(group.attach(pid));
        pids_.push_back(pid);
        return pidfd;
    }
    std::string base_;
    std::vector<int> pids_;
};

TEST_F(CgroupTest, CreateMakesParents) {
    const auto group = Cgroup::create(base_ + "/a/b");
    ASSERT_TRUE(group) << group.error().what();
    EXPECT_EQ(group->path(), base_ + "/a/b");
    EXPECT_TRUE(exists(Cgroup::mount_point().value() + "/" + base_ + "/a/b/cgroup.procs"));
    EXPECT_TRUE(Cgroup::create(base_ + "/a/b")) << "an existing one is opened";
    EXPECT_TRUE(Cgroup::open(base_ + "/a"));
    EXPECT_EQ(Cgroup::open(base_ + "/missing").error().kind(), Kind::not_found);
    EXPECT_TRUE(Cgroup::remove(base_));
    EXPECT_TRUE(Cgroup::remove(base_)) << "a missing one is no error";
}

TEST_F(CgroupTest, ControllersReachTheLeaf) {
    const std::string available = read_file(Cgroup::mount_point().value() + "/cgroup.controllers").value();
    if (split_words(available).empty())
        GTEST_SKIP() << "this host's cgroup v2 has no controllers (version 1 holds them)";
    const auto group = Cgroup::create(base_ + "/a/b").value();
    EXPECT_THAT(split_words(group.get("cgroup.controllers").value()), testing::Not(IsEmpty()));
    if (available.contains("pids")) {
        EXPECT_TRUE(group.set("pids.max", "10"));
        EXPECT_EQ(trim(group.get("pids.max").value()), "10");
    }
}

TEST_F(CgroupTest, PathsMustBePlain) {
    for (const auto* bad : {"", "/", "/a", "a//b", "../a", "a/..", "."}) {
        EXPECT_EQ(Cgroup::create(bad).error().kind(), Kind::invalid) << bad;
        EXPECT_EQ(Cgroup::remove(bad).error().kind(), Kind::invalid) << bad;
    }
}

TEST_F(CgroupTest, MembersOfTheSubtree) {
    const auto top = Cgroup::create(base_).value();
    const auto leaf = Cgroup::create(base_ + "/leaf").value();
    EXPECT_FALSE(top.populated().value());
    const auto child = start_in(leaf);
    EXPECT_THAT(top.pids().value(), ElementsAre(pids_[0]));
    EXPECT_TRUE(top.populated().value());
    ASSERT_TRUE(top.kill());
    EXPECT_EQ(wait_exit(child)->signal, SIGKILL);
    EXPECT_FALSE(top.populated().value());
}

TEST_F(CgroupTest, FreezeStopsAndThaws) {
    const auto group = Cgroup::create(base_).value();
    const auto child = start_in(group);
    ASSERT_TRUE(group.freeze(true));
    EXPECT_EQ(group.get_flat("cgroup.events")->at("frozen"), 1U);
    ASSERT_TRUE(group.freeze(false));
    EXPECT_EQ(group.get_flat("cgroup.events")->at("frozen"), 0U);
    ASSERT_TRUE(group.kill());
    EXPECT_TRUE(wait_exit(child));
}

TEST_F(CgroupTest, RemoveWhileProcessesLiveFails) {
    const auto group = Cgroup::create(base_).value();
    const auto child = start_in(group);
    const auto busy = Cgroup::remove(base_);
    EXPECT_EQ(busy.error().kind(), Kind::conflict);
    ASSERT_TRUE(group.kill());
    EXPECT_TRUE(Cgroup::remove(base_)) << "a zombie is out of the group at once, or soon";
    EXPECT_TRUE(wait_exit(child));
}

TEST_F(CgroupTest, ErrorsNameTheGroup) {
    const auto group = Cgroup::create(base_).value();
    EXPECT_THAT(group.set("no.such.file", "1").error().what(), HasSubstr(base_));
    EXPECT_THAT(group.get("no.such.file").error().what(), HasSubstr("no.such.file"));
}

}  // namespace
}  // namespace diatom::sys
