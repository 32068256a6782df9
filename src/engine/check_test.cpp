// Each invariant broken by hand, and found; nothing found where all is right.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include "engine/testing/fixture.h"
#include "proc/spawn.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "tests/support/temp_dir.h"

namespace diatom::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CheckTest : public testing::EngineTest {
protected:
    // "WHAT: WHERE" of each finding.
    std::vector<std::string> check() {
        auto report = run(engine().check());
        EXPECT_TRUE(report) << report.error().what();
        std::vector<std::string> texts;
        for (const auto& finding : report.value_or(CheckReport()).findings) {
            EXPECT_NE(finding.advice, "");
            texts.push_back(finding.what + ": " + finding.where);
        }
        return texts;
    }
    std::string root(const std::string& path) const { return home() + "/root/" + path; }
    std::string running_container() {
        const auto id = create({"sleep", "1000"});
        start(id);
        return id;
    }
};

TEST_F(CheckTest, HoldsInEveryState) {
    EXPECT_THAT(check(), IsEmpty());
    const auto created = create({"true"}, {.mounts = {{.kind = MountKind::volume, .source = "vol", .target = "/v"}}});
    const auto running = running_container();
    EXPECT_THAT(check(), IsEmpty());
    const auto exec = run(engine().exec_create(running, {.cmd = {"true"}, .attach_stdout = true}));
    auto client = run(engine().exec_start(*exec, false, false));
    ASSERT_TRUE(client);
    read(**client);
    EXPECT_THAT(check(), IsEmpty());
    reopen();
    EXPECT_THAT(check(), IsEmpty());
    ASSERT_TRUE(run(engine().kill(running, "KILL")));
    wait(running);
    EXPECT_THAT(check(), IsEmpty());
    ASSERT_TRUE(run(engine().remove(running, {})));
    const auto report = run(engine().check());
    ASSERT_TRUE(report);
    EXPECT_THAT(report->findings, IsEmpty());
    EXPECT_THAT(report->skipped, IsEmpty());
    EXPECT_EQ(report->containers, 1U);
    EXPECT_EQ(report->running, 0U);
    EXPECT_GT(report->descriptors, 0U);
}

TEST_F(CheckTest, FindsDirectoriesOfNobody) {
    const std::string id(64, 'a');
    ASSERT_TRUE(sys::make_dirs(root("containers/") + id));
    ASSERT_TRUE(sys::make_dirs(root("volumes/stray/_data")));
    ASSERT_TRUE(sys::make_dirs(home() + "/run/containers/" + id));
    ASSERT_TRUE(sys::make_dirs(home() + "/run/staged/" + id));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("belongs to no container: " + root("containers/") + id),
                                     HasSubstr("a volume directory that no record mentions: " + root("volumes/stray")),
                                     HasSubstr("files of a run that is over"), HasSubstr("/run/staged/" + id)));
}

TEST_F(CheckTest, FindsWhatIsMissing) {
    const auto id = running_container();
    ASSERT_TRUE(run(engine().create_volume("lost", {}, {})));
    ASSERT_TRUE(sys::remove_tree(root("volumes/lost")));
    ASSERT_TRUE(sys::remove_tree(home() + "/run/containers/" + id));
    ASSERT_TRUE(init().supervisor().forget("user/" + id + "/stdout"));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("the directory of a volume is missing"),
                                     HasSubstr("the files of a running container are missing"),
                                     HasSubstr("PID 1 does not keep the output")));
}

TEST_F(CheckTest, FindsAStrayMount) {
    ASSERT_TRUE(run(engine().create_volume("under", {}, {})));
    const auto place = root("volumes/under/_data");
    ASSERT_TRUE(sys::mount_fs("tmpfs", place));
    EXPECT_THAT(check(), ElementsAre("a mount (tmpfs) that belongs to no running container: " + place));
    ASSERT_TRUE(sys::unmount(place));
}

TEST_F(CheckTest, FindsParkedDescriptorsOfNobody) {
    const auto pipe = sys::make_pipe();
    ASSERT_TRUE(init().supervisor().park("user/" + std::string(64, 'b') + "/stdout", pipe->first));
    ASSERT_TRUE(init().supervisor().park("system/" + std::string(64, 'c') + "/stdout", pipe->first));
    run_until([&] { return init().parked() == 2; });
    EXPECT_THAT(check(), ElementsAre(HasSubstr("user/bbb"))) << "those of the other engine are not ours";
    ASSERT_TRUE(init().supervisor().forget("user/"));
    ASSERT_TRUE(init().supervisor().forget("system/"));
}

TEST_F(CheckTest, FindsLeakedDescriptors) {
    const auto id = running_container();
    const auto process = engine().inspect(id)->state.process;
    const auto leaked = sys::open_pidfd(process);
    EXPECT_THAT(check(), ElementsAre(HasSubstr("2 pidfds are open for 1 processes")));
    const auto gone = root("containers/") + std::string(64, 'd');
    ASSERT_TRUE(sys::make_dirs(gone));
    const auto file = sys::open_path(gone + "/log", O_WRONLY | O_CREAT, 0600);
    ASSERT_TRUE(sys::remove_tree(gone));
    EXPECT_THAT(check(), Contains(HasSubstr("an open file of a container that is gone: " + gone + "/log")));
}

TEST_F(CheckTest, FindsRecordsThatTheEngineDoesNotHave) {
    create({"true"}, {}, "kept");
    {
        auto records = Records::open(root("engine.db"));
        ASSERT_TRUE(records);
        ASSERT_TRUE(records->put(Container{.id = std::string(64, 'e'), .name = "unknown"}));
        ASSERT_TRUE(records->erase(*engine().inspect("kept"), {}));
    }
    EXPECT_THAT(check(), ElementsAre("the database has a record in containers that the engine does not know: " +
                                         std::string(64, 'e'),
                                     HasSubstr("the database lacks a record in containers")));
}

// The parts that need no engine.
struct World : ::testing::Test {
    CheckedState state;
    Findings findings;
    test::TempDir place;
    std::vector<std::string> texts() const {
        std::vector<std::string> all;
        for (const auto& finding : findings) all.push_back(finding.what + ": " + finding.where);
        return all;
    }
};

TEST_F(World, FindsControlGroupsOfNobody) {
    state.options.cgroup = "diatom/user";
    const std::string mount = place / "cgroup", mine(64, 'a'), parented(64, 'b'), lost(64, 'c'), gone(64, 'd');
    state.cgroups = {{mine, "diatom/user/" + mine}, {parented, "diatom/user/of/mine/" + parented}};
    for (const auto& path : {"diatom/user/" + mine + "/inner", "diatom/user/of/mine/" + parented})
        ASSERT_TRUE(sys::make_dirs(mount + "/" + path));
    check_cgroups(state, mount, findings);
    EXPECT_THAT(texts(), IsEmpty());
    ASSERT_TRUE(sys::make_dirs(mount + "/diatom/user/of/" + lost));
    state.cgroups[gone] = "diatom/user/" + gone;
    check_cgroups(state, mount, findings);
    EXPECT_THAT(texts(), ElementsAre(HasSubstr("the control group of a running container is missing: diatom/user/ddd"),
                                     HasSubstr("belongs to no running container: diatom/user/of/ccc")));
}

TEST_F(World, FindsProcessesThatAreGoneAndThoseThatWait) {
    state.running = {{.id = "mine", .state = {.process = {::getpid(), *sys::start_time(::getpid())}}}};
    check_processes(state, findings);
    EXPECT_THAT(texts(), IsEmpty());
    auto child = proc::spawn({.path = "/bin/true", .argv = {"true"}, .env = {}});
    ASSERT_TRUE(child) << child.error().what();
    const auto pid = child->pid;
    while (sys::process_state(pid).value_or('Z') != 'Z') ::usleep(1000);
    state.running[0].state.process.start_time += 1;
    check_processes(state, findings);
    EXPECT_THAT(texts(), ElementsAre(HasSubstr("its process is gone: mine"),
                                     HasSubstr("does not take note: pid " + std::to_string(pid))));
    EXPECT_TRUE(sys::wait_exit(child->pidfd));
}

}  // namespace
}  // namespace diatom::engine
