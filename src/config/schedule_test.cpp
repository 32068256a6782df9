#include "config/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <ctime>

#include "sys/clock.h"

namespace diatom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::int64_t seconds(std::string_view time) { return sys::parse_rfc3339(time).value() / 1'000'000'000; }
std::string text(std::int64_t time) { return sys::format_rfc3339(time * 1'000'000'000).substr(0, 19); }

class ScheduleTest : public testing::Test {
protected:
    void SetUp() override { in("UTC0"); }
    void TearDown() override { in("UTC0"); }
    static void in(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    static std::vector<std::string> times(std::string_view schedule, std::string_view after, int count) {
        const auto parsed = Schedule::parse(schedule);
        if (!parsed) return {parsed.error().what()};
        std::vector<std::string> found;
        auto at = seconds(after);
        for (int i = 0; i < count; ++i) {
            const auto next = parsed->next(at);
            if (!next) return found;
            found.push_back(text(*next));
            at = *next;
        }
        return found;
    }
    static std::string refusal(std::string_view schedule) {
        const auto parsed = Schedule::parse(schedule);
        return parsed ? "accepted" : parsed.error().what();
    }
};

TEST_F(ScheduleTest, FieldsAreSecondsFirstOrMinutes) {
    EXPECT_THAT(times("*/20 * * * * *", "2026-11-29T10:00:30Z", 3),
                ElementsAre("2026-11-29T10:00:40", "2026-11-29T10:01:00", "2026-11-29T10:01:20"));
    EXPECT_THAT(times("30 2 * * *", "2026-11-29T02:30:00Z", 2),
                ElementsAre("2026-11-30T02:30:00", "2026-12-01T02:30:00"));
    EXPECT_THAT(
        times("0 5,50-59/5 23 31 dec ?", "2026-11-29T00:00:00Z", 4),
        ElementsAre("2026-12-31T23:05:00", "2026-12-31T23:50:00", "2026-12-31T23:55:00", "2027-12-31T23:05:00"));
}

TEST_F(ScheduleTest, OneOfTwoKindsOfDaysWillDo) {
    EXPECT_THAT(
        times("0 0 13 * FRI", "2026-11-01T00:00:00Z", 4),
        ElementsAre("2026-11-06T00:00:00", "2026-11-13T00:00:00", "2026-11-20T00:00:00", "2026-11-27T00:00:00"));
    EXPECT_THAT(times("0 0 1 * 1", "2026-11-24T00:00:00Z", 3),
                ElementsAre("2026-11-30T00:00:00", "2026-12-01T00:00:00", "2026-12-07T00:00:00"));
    EXPECT_THAT(times("0 0 * * 7", "2026-11-24T00:00:00Z", 1), ElementsAre("2026-11-29T00:00:00"));
    EXPECT_THAT(times("0 0 29 2 *", "2026-11-24T00:00:00Z", 1), ElementsAre("2028-02-29T00:00:00"));
    EXPECT_THAT(times("0 0 30 2 *", "2026-11-24T00:00:00Z", 1), ElementsAre());
}

TEST_F(ScheduleTest, Shorthands) {
    EXPECT_THAT(times("@hourly", "2026-11-29T10:00:00Z", 1), ElementsAre("2026-11-29T11:00:00"));
    EXPECT_THAT(times("@weekly", "2026-11-24T10:00:00Z", 1), ElementsAre("2026-11-29T00:00:00"));
    EXPECT_THAT(times("@yearly", "2026-11-24T10:00:00Z", 1), ElementsAre("2027-01-01T00:00:00"));
    EXPECT_THAT(times(" @every 1h30m ", "2026-11-29T10:00:05Z", 2),
                ElementsAre("2026-11-29T11:30:05", "2026-11-29T13:00:05"));
}

TEST_F(ScheduleTest, LocalTimeWithItsJumps) {
    in("CET-1CEST,M3.5.0,M10.5.0/3");
    EXPECT_THAT(times("30 2 * * *", "2026-03-28T12:00:00Z", 2),
                ElementsAre("2026-03-30T00:30:00", "2026-03-31T00:30:00"));  // no 02:30 on the 29th
    EXPECT_THAT(times("30 2 * * *", "2026-10-24T12:00:00Z", 3),
                ElementsAre("2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-26T01:30:00"));
    in("XXX3YYY,M10.3.0/0,M2.3.0/0");  // clocks go forward at midnight
    EXPECT_THAT(times("0 12 * * *", "2026-10-17T20:00:00Z", 2),
                ElementsAre("2026-10-18T14:00:00", "2026-10-19T14:00:00"));
}

TEST_F(ScheduleTest, WhatIsWrongIsSaid) {
    EXPECT_THAT(refusal("* * *"), HasSubstr("\"* * *\" is no schedule: 3 fields: cron has five, or six"));
    EXPECT_THAT(refusal("60 * * * *"), HasSubstr("minute \"60\": must be 0 to 59"));
    EXPECT_THAT(refusal("* 5-2 * * *"), HasSubstr("hour \"5-2\": the range goes backwards"));
    EXPECT_THAT(refusal("*/0 * * * *"), HasSubstr("the step must be 1 to 59"));
    EXPECT_THAT(refusal("* * 0 * *"), HasSubstr("day of the month \"0\""));
    EXPECT_THAT(refusal("* * * foo *"), HasSubstr("month \"foo\""));
    EXPECT_THAT(refusal("*, * * * *"), HasSubstr("minute \"\""));
    EXPECT_THAT(refusal("@sometimes"), HasSubstr("@yearly, @monthly"));
    EXPECT_THAT(refusal("@every 0s"), HasSubstr("a second or more"));
    EXPECT_THAT(refusal("@every soon"), HasSubstr("a second or more"));
    EXPECT_THAT(refusal(""), HasSubstr("0 fields"));
}

}  // namespace
}  // namespace diatom::config
