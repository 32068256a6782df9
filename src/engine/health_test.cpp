#include "engine/health.h"

#include "engine/testing/fixture.h"

namespace diatom::engine {
namespace {

using Strings = std::vector<std::string>;
constexpr std::int64_t kSecond = 1'000'000'000;

Result<HealthCheck> decode(std::string_view text) { return decode_health_check(*parse_json(text, "test")); }

TEST(Health, DecodesAndRefuses) {
    const auto check = decode(R"({"Test":["CMD-SHELL","true"],"Interval":1000000000,"Timeout":2000000000,
        "StartPeriod":3000000000,"StartInterval":4000000000,"Retries":5})");
    ASSERT_TRUE(check) << check.error().what();
    EXPECT_EQ(check->interval, kSecond);
    EXPECT_EQ(check->start_interval, 4 * kSecond);
    EXPECT_EQ(check->retries, 5);
    for (const char* wrong : {R"({"Interval":999999})", R"({"Timeout":-1})", R"({"Retries":-1})",
                              R"({"Test":["PING","x"]})", R"({"Test":["CMD"]})", R"([])"}) {
        EXPECT_FALSE(decode(wrong)) << wrong;
    }
}

TEST(Health, TakesFromTheImageWhatIsLeftOpen) {
    const auto image = Json{{"Test", {"CMD", "probe"}}, {"Interval", kSecond}, {"Retries", 7}};
    std::optional<HealthCheck> none;
    ASSERT_TRUE(merge_health_check(none, image, {"/bin/bash", "-c"}));
    EXPECT_EQ(probe_command(none), Strings{"probe"});
    std::optional<HealthCheck> own = HealthCheck{.test = {"CMD-SHELL", "mine"}, .interval = 2 * kSecond};
    ASSERT_TRUE(merge_health_check(own, image, {"/bin/bash", "-c"}));
    EXPECT_EQ(probe_command(own), (Strings{"/bin/bash", "-c", "mine"}));
    EXPECT_EQ(own->interval, 2 * kSecond);
    EXPECT_EQ(own->retries, 7);
    std::optional<HealthCheck> off = HealthCheck{.test = {"NONE"}};
    ASSERT_TRUE(merge_health_check(off, image, {}));
    EXPECT_TRUE(probe_command(off).empty());
    EXPECT_EQ(probe_command(HealthCheck{.test = {"CMD-SHELL", "x"}}), (Strings{"/bin/sh", "-c", "x"}));
}

TEST(Health, FollowsItsStates) {
    const HealthCheck check{.test = {"CMD", "x"}, .start_period = 10 * kSecond, .retries = 2};
    ContainerState state{.health = {.status = HealthStatus::starting}};
    EXPECT_EQ(probe_interval(check, state, kSecond), std::chrono::seconds(5));
    EXPECT_EQ(probe_interval(check, state, 10 * kSecond), std::chrono::seconds(30));
    const auto result = [&](std::int64_t second, int code) {
        return add_result(state, check, {.start = second * kSecond, .exit_code = code});
    };
    EXPECT_FALSE(result(1, 1));  // within the start period
    EXPECT_EQ(state.health.failing_streak, 0);
    EXPECT_FALSE(result(11, 1));
    EXPECT_TRUE(result(12, 1));
    EXPECT_EQ(state.health.status, HealthStatus::unhealthy);
    EXPECT_TRUE(result(13, 0));
    EXPECT_EQ(state.health.status, HealthStatus::healthy);
    EXPECT_EQ(state.health.failing_streak, 0);
    EXPECT_FALSE(result(14, 1));
    EXPECT_EQ(state.health.status, HealthStatus::healthy);
    EXPECT_FALSE(result(15, 0));
    EXPECT_EQ(state.health.log.size(), kMaxHealthLog);
    EXPECT_EQ(state.health.log.front().start, 11 * kSecond);
}

TEST(Health, BoundsWhatAProbeSays) {
    std::string output;
    add_output(output, "abc");
    EXPECT_EQ(output, "abc");
    add_output(output, std::string(kMaxHealthOutput, 'x'));
    EXPECT_EQ(output.size(), kMaxHealthOutput + 3);
    EXPECT_TRUE(output.ends_with("x..."));
    add_output(output, "more");
    EXPECT_TRUE(output.ends_with("x..."));
}

TEST(Health, WritesDurationsAsDocker) {
    using std::chrono::milliseconds;
    EXPECT_EQ(duration_text(milliseconds(200)), "200ms");
    EXPECT_EQ(duration_text(milliseconds(1000)), "1s");
    EXPECT_EQ(duration_text(milliseconds(90'500)), "1m30.500s");
    EXPECT_EQ(duration_text(milliseconds(3'600'000)), "1h0m0s");
}

class HealthWatch : public testing::EngineTest {
protected:
    static constexpr std::int64_t kSoon = 20'000'000;  // ns
    std::string start_checked(HealthCheck check) {
        check.interval = kSoon;
        const auto id = create({"sleep", "1000"}, {.health = check});
        start(id);
        return id;
    }
    Health health(const std::string& id) { return engine().inspect(id)->state.health; }
    void await(const std::string& id, HealthStatus status) {
        run_until([&] { return health(id).status == status; });
    }
    // Told when they are kept.
    std::shared_ptr<void> listen(std::vector<std::string>& events) {
        return engine().subscribe(0, [&events](const Event& event) {
            if (event.action.starts_with("health_status")) events.push_back(event.action);
        });
    }
};

TEST_F(HealthWatch, TellsHealthyFromUnhealthy) {
    std::vector<std::string> events;
    const auto listening = listen(events);
    const auto id = start_checked({.test = {"CMD-SHELL", "echo looked; test ! -e /tmp/broken"}, .retries = 2});
    EXPECT_EQ(health(id).status, HealthStatus::starting);
    await(id, HealthStatus::healthy);
    EXPECT_EQ(health(id).log.back().output, "looked\n");
    auto made = run(engine().exec_create(id, {.cmd = {"touch", "/tmp/broken"}}));
    ASSERT_TRUE(made);
    ASSERT_TRUE(run(engine().exec_start(*made, true, false)));
    await(id, HealthStatus::unhealthy);
    EXPECT_EQ(health(id).failing_streak, 2);
    EXPECT_EQ(health(id).log.back().exit_code, 1);
    run_until([&] { return events.size() >= 2; });
    EXPECT_EQ(events, (Strings{"health_status: healthy", "health_status: unhealthy"}));
}

TEST_F(HealthWatch, KillsAProbeThatHangs) {
    const auto id =
        start_checked({.test = {"CMD-SHELL", "echo begun; sleep 1000; true"}, .timeout = 2'000'000'000, .retries = 1});
    await(id, HealthStatus::unhealthy);
    const auto result = health(id).log.front();
    EXPECT_EQ(result.exit_code, -1);
    EXPECT_EQ(result.output, "Health check exceeded timeout (2s): begun\n");
}

TEST_F(HealthWatch, TellsOfAProbeThatIsNotThere) {
    const auto id = start_checked({.test = {"CMD", "nonesuch"}, .retries = 1});
    await(id, HealthStatus::unhealthy);
    EXPECT_EQ(health(id).log.front().exit_code, -1);
    EXPECT_TRUE(health(id).log.front().output.contains("nonesuch")) << health(id).log.front().output;
}

TEST_F(HealthWatch, OutlivesItsEngine) {
    std::vector<std::string> events;
    auto listening = listen(events);
    const auto id = start_checked({.test = {"CMD", "echo", "seen"}});
    run_until([&] { return !events.empty(); });
    listening.reset();
    reopen();
    EXPECT_EQ(health(id).status, HealthStatus::healthy);
    ASSERT_FALSE(health(id).log.empty());
    EXPECT_EQ(health(id).log.front().output, "seen\n");
    const auto known = health(id).log.back().start;
    run_until([&] { return health(id).log.back().start > known; });
    EXPECT_TRUE(run(engine().stop(id, 0, "")));
    EXPECT_EQ(health(id).status, HealthStatus::unhealthy);  // as Docker's, of what does not run
}

}  // namespace
}  // namespace diatom::engine
