#include "ignition/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::ignition {
namespace {

std::string cron(std::string_view text) {
    const auto schedule = calendar_to_cron(text);
    return schedule ? *schedule : schedule.error().what();
}

TEST(TimeSpan, ReadsWhatSystemdReads) {
    EXPECT_EQ(parse_time_span("90"), 90);
    EXPECT_EQ(parse_time_span("1h 30min"), 5400);
    EXPECT_EQ(parse_time_span("2 h"), 7200);
    EXPECT_EQ(parse_time_span("1d12h"), 129600);
    EXPECT_EQ(parse_time_span("1.5min"), 90);
    EXPECT_EQ(parse_time_span("500ms"), 0);
    EXPECT_EQ(parse_time_span("infinity"), INT64_MAX);
    EXPECT_EQ(parse_time_span("999999999999999999999y"), INT64_MAX);
    for (const auto* text : {"", "x", "-1", "5 parsecs", "min"}) EXPECT_EQ(parse_time_span(text), std::nullopt) << text;
}

TEST(Calendar, KnowsShorthands) {
    EXPECT_EQ(cron("daily"), "0 0 0 * * *");
    EXPECT_EQ(cron("Weekly"), "0 0 0 * * 1");
    EXPECT_EQ(cron("quarterly"), "0 0 0 1 1,4,7,10 *");
}

TEST(Calendar, TranslatesEvents) {
    EXPECT_EQ(cron("*-*-* 03:30:00"), "0 30 3 * * *");
    EXPECT_EQ(cron("*:0/15"), "0 0/15 * * * *");
    EXPECT_EQ(cron("Mon..Fri 08..18:00"), "0 0 8-18 * * 1,2,3,4,5");
    EXPECT_EQ(cron("Sat..Mon"), "0 0 0 * * 0,1,6");
    EXPECT_EQ(cron("Sun,Wed 12:00"), "0 0 12 * * 0,3");
    EXPECT_EQ(cron("*-*-01,15 00:00"), "0 0 0 1,15 * *");
    EXPECT_EQ(cron("01-01 06:00:30"), "30 0 6 1 1 *");
    EXPECT_EQ(cron("Mon-Sun 01:00"), "0 0 1 * * *");
}

TEST(Calendar, RefusesWhatCronCannotSay) {
    using ::testing::HasSubstr;
    EXPECT_THAT(cron("2030-01-01 00:00"), HasSubstr("years"));
    EXPECT_THAT(cron("*-*~01 00:00"), HasSubstr("the end of a month"));
    EXPECT_THAT(cron("*-01~03"), HasSubstr("the end of a month"));
    EXPECT_THAT(cron("daily UTC"), HasSubstr("no calendar event"));
    EXPECT_THAT(cron("03:00 Europe/Berlin"), HasSubstr("time zones"));
    EXPECT_THAT(cron("Mon *-*-01"), HasSubstr("a day of the week and a day of the month"));
    EXPECT_THAT(cron("00:00:00.5"), HasSubstr("parts of a second"));
    for (const auto* text : {"", "25:00", "12:60", "13-01", "never", "1..x:00", "*:5..1", "*-*-32"}) {
        EXPECT_THAT(cron(text), HasSubstr("no calendar event")) << text;
    }
}

}  // namespace
}  // namespace diatom::ignition
