#include <gmock/gmock.h>

#include "engine/testing/fixture.h"

namespace diatom::engine {
namespace {

class Services : public testing::EngineTest {
protected:
    // On the test program's own root: PID 1 and an image are not needed.
    void adjust(EngineOptions& options) override {
        options.scope = Scope::system;
        options.system_services = home() + "/services";
        ASSERT_TRUE(sys::make_dirs(options.system_services));
        ASSERT_TRUE(sys::write_file(options.system_services + "/10-test.yml", R"(
services:
  late:
    image: diatom/system
    command: [/bin/busybox, sh, -c, "cat )" + home() + R"(/prepared; exec sleep 100"]
    depends_on:
      prepare:
        condition: service_completed_successfully
    restart: always
    healthcheck:
      test: [CMD, /bin/busybox, "true"]
  prepare:
    image: diatom/system
    command: [/bin/busybox, sh, -c, "echo done > )" + home() + R"(/prepared"]
    labels:
      io.rancher.os.detach: "false"
  slow:
    image: diatom/system
    command: [/bin/busybox, sleep, "100"]
    healthcheck:
      test: [CMD, /bin/busybox, "false"]
      interval: 100ms
      start_period: 1s
  broken:
    image: diatom/system
    command: [/no/such/program]
  orphan:
    image: diatom/system
    command: [/bin/busybox, "true"]
    depends_on: [broken]
)"));
    }
};

TEST_F(Services, StartInOrderAndFailAlone) {
    ::testing::internal::CaptureStderr();
    auto started = run(engine().start_all());
    const std::string logged = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(started) << started.error().what();
    // What does not come up in time is not what failed.
    EXPECT_EQ(engine().inspect("slow")->state.status, Status::running);
    EXPECT_THAT(logged, ::testing::HasSubstr("warning: a system service runs but is not ready service=slow "
                                             "why=\"/bin/busybox false has not succeeded within 1 s\""));
    EXPECT_THAT(logged, ::testing::HasSubstr("error: a system service failed service=orphan"));
    EXPECT_EQ(engine().inspect("late")->state.status, Status::running);
    EXPECT_EQ(logs("late"), "done\n");
    EXPECT_EQ(engine().inspect("prepare")->state.exit_code, 0);
    EXPECT_EQ(engine().inspect("broken")->state.exit_code, 127);
    EXPECT_FALSE(engine().inspect("orphan"));

    // An engine that is restarted keeps what runs; what had ended is done again.
    const auto id = engine().inspect("late")->id;
    reopen();
    EXPECT_TRUE(run(engine().start_all()));
    EXPECT_EQ(engine().inspect("late")->id, id);
    EXPECT_TRUE(run(engine().stop_all(0)));
    EXPECT_EQ(engine().inspect("late")->state.status, Status::exited);
}

}  // namespace
}  // namespace diatom::engine
