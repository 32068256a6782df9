// An engine killed at a bad moment: what the next one finds is made by hand, and gone once it is open.
#include <gmock/gmock.h>

#include "engine/testing/fixture.h"
#include "engine/volumes.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

using ::testing::IsEmpty;

class LeftoversTest : public testing::EngineTest {
protected:
    std::string root(const std::string& path) const { return home() + "/root/" + path; }
    std::string data(const std::string& volume) const { return root("volumes/" + volume + "/_data"); }
    Findings check() {
        return run(engine().check()).value_or(CheckReport{.findings = {{"no report", "", ""}}}).findings;
    }
    // While no engine runs.
    Records records() { return std::move(*Records::open(root("engine.db"))); }
};

TEST_F(LeftoversTest, OfAStartThatWasCutOffNothingStays) {
    const auto id = create({"true"});
    const auto running = create({"sleep", "1000"});
    start(running);
    close();
    const auto pipe = sys::make_pipe();
    for (const auto& owner : {id, std::string(64, 'a')}) {
        ASSERT_TRUE(init().supervisor().park("user/" + owner + "/stdout", pipe->first));
        ASSERT_TRUE(sys::make_dirs(home() + "/run/containers/" + owner));
        ASSERT_TRUE(sys::make_dirs(home() + "/run/staged/" + owner + "/0"));
    }
    ASSERT_TRUE(sys::make_dirs(root("containers/") + std::string(64, 'a')));
    ASSERT_TRUE(init().supervisor().park("system/x/stdout", pipe->first));
    // The test's own program parks by a datagram that is taken later.
    while (init().parked() < 5) ::usleep(1000);
    open();
    EXPECT_THAT(check(), IsEmpty());
    EXPECT_EQ(engine().inspect(running)->state.status, Status::running);
    EXPECT_EQ(init().parked(), 3U) << "what runs, and what is the other engine's";
    EXPECT_TRUE(sys::exists(root("containers/") + id)) << "its container is there";
    ASSERT_TRUE(init().supervisor().forget("system/"));
}

// Whenever an engine is killed while it takes note of an end, the next one can find out about it.
TEST_F(LeftoversTest, TheRecordIsTheFirstToSayThatARunIsOver) {
    ASSERT_TRUE(sys::write_file(home() + "/layer/bin/no-interpreter", "#!/no/such/program\n", 0755));
    for (const char* program : {"true", "no-interpreter"}) {
        const auto id = create({program});
        std::atomic<int> forgotten = 0;
        init().watch_forgets([&](const std::string& prefix) {
            if (prefix != "user/" + id + "/") return;
            const auto all = records().containers().value();
            EXPECT_NE(std::ranges::find(all, id, &Container::id)->state.status, Status::running) << program;
            EXPECT_TRUE(sys::exists(home() + "/run/containers/" + id + "/spec.json")) << program;
            ++forgotten;
        });
        std::ignore = run(engine().start(id));
        run_until([&] { return forgotten > 0; });
        init().watch_forgets({});
    }
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(LeftoversTest, AVolumeThatWasNotMadeIsNotRecorded) {
    ContainerConfig config{.image = "busybox", .cmd = std::vector<std::string>{"true"}};
    config.mounts = {{.kind = MountKind::volume, .source = "good", .target = "/good"},
                     {.kind = MountKind::volume, .source = "bad", .target = "/bad", .driver_options = {{"size", "0"}}}};
    EXPECT_FALSE(run(engine().create("", config)));
    EXPECT_THAT(engine().volumes(), IsEmpty());
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(LeftoversTest, VolumesAreWholeOrGone) {
    ASSERT_TRUE(run(engine().create_volume("whole", {}, {})));
    ASSERT_TRUE(sys::write_file(data("whole") + "/file", "kept"));
    EXPECT_FALSE(sys::exists(root("volumes/whole/unfinished")));
    ASSERT_TRUE(run(engine().create_volume("cut", {}, {})));
    close();
    ASSERT_TRUE(make_volume_directory({.mountpoint = data("begun")}));  // no record yet
    ASSERT_TRUE(sys::write_file(data("begun") + "/file", "half of the image's files"));
    ASSERT_TRUE(sys::remove_tree(root("volumes/cut")));    // by a power cut: the record was on the disk before it
    ASSERT_TRUE(doom_volume_directory(data("whole")));     // the record is still there: it was not removed
    ASSERT_TRUE(sys::make_dirs(root("volumes/emptied")));  // all of a removal is on the disk but the last name
    ASSERT_TRUE(sys::make_dirs(data("foreign")));          // not ours to remove
    open();
    EXPECT_FALSE(sys::exists(root("volumes/begun")));
    EXPECT_EQ(sys::read_file(data("whole") + "/file").value_or(""), "kept");
    EXPECT_FALSE(sys::exists(root("volumes/whole/unfinished")));
    EXPECT_TRUE(sys::exists(data("foreign")));
    EXPECT_FALSE(sys::exists(root("volumes/emptied")));
    EXPECT_TRUE(sys::exists(data("cut")));
    ASSERT_TRUE(sys::remove_tree(root("volumes/foreign")));
    EXPECT_THAT(check(), IsEmpty());
    close();
    ASSERT_TRUE(doom_volume_directory(data("whole")));
    ASSERT_TRUE(records().erase_volume("whole"));
    open();
    EXPECT_FALSE(sys::exists(root("volumes/whole")));
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(LeftoversTest, ARemovalWithVolumesGoesOnWithThem) {
    const auto id = create({"true"}, {.volumes = {"/anonymous"}});
    const auto volume = engine().volumes().at(0);
    ASSERT_TRUE(volume.anonymous);
    auto record = engine().inspect(id).value();
    close();
    record.state.status = Status::removing;
    record.state.remove_volumes = true;
    ASSERT_TRUE(records().put(record));
    ASSERT_TRUE(sys::remove_tree(volume.mountpoint));  // so far it came
    open();
    run_until([&] { return engine().containers().empty(); });
    EXPECT_TRUE(engine().volumes().empty());
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(LeftoversTest, AContainerIsRecordedWithItsVolumesOrNotAtAll) {
    const auto id = create({"true"}, {.volumes = {"/anonymous"},
                                      .mounts = {{.kind = MountKind::volume, .source = "named", .target = "/n"}}});
    close();
    {
        auto stored = records();
        EXPECT_EQ(stored.volumes()->size(), 2U);
        EXPECT_EQ(stored.containers()->size(), 1U);
        // Its name is taken: neither the container nor its volume is written.
        Container other{.id = std::string(64, 'f'), .name = stored.containers()->at(0).name};
        Volume lost{.name = "lost", .mountpoint = data("lost")};
        EXPECT_EQ(stored.put(other, {lost}).error().kind(), Kind::conflict);
        EXPECT_EQ(stored.volumes()->size(), 2U);
    }
    open();
    EXPECT_THAT(check(), IsEmpty());
    EXPECT_TRUE(run(engine().remove(id, {.volumes = true})));
    EXPECT_EQ(engine().volumes().size(), 1U);
}

}  // namespace
}  // namespace diatom::engine
