#include "sys/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::sys {
namespace {

using testing::Optional;

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Rfc3339, FormatAlwaysHasNineDigits) {
    EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(format_rfc3339(1'795'431'386'123'456'789), "2026-11-23T10:56:26.123456789Z");
    EXPECT_EQ(format_rfc3339(1'795'431'386'000'000'001), "2026-11-23T10:56:26.000000001Z");
    EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
    EXPECT_EQ(format_rfc3339(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
}

TEST(Rfc3339, ParseGivesWhatFormatMade) {
    for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1'795'431'386'123'456'789}, std::int64_t{-1},
                                    std::int64_t{951'782'400 * kSecond}, INT64_MAX}) {
        EXPECT_THAT(parse_rfc3339(format_rfc3339(time)), Optional(time));
    }
}

TEST(Rfc3339, ParseVariants) {
    const std::int64_t time = 1'795'431'386 * kSecond;
    EXPECT_THAT(parse_rfc3339("2026-11-23T10:56:26Z"), Optional(time));
    EXPECT_THAT(parse_rfc3339("2026-11-23t10:56:26z"), Optional(time));
    EXPECT_THAT(parse_rfc3339("2026-11-23T11:56:26+01:00"), Optional(time));
    EXPECT_THAT(parse_rfc3339("2026-11-23T05:26:26-05:30"), Optional(time));
    EXPECT_THAT(parse_rfc3339("2026-11-23T10:56:26.5Z"), Optional(time + kSecond / 2));
    EXPECT_THAT(parse_rfc3339("2026-11-23T10:56:26.0000000019Z"), Optional(time + 1));
    EXPECT_THAT(parse_rfc3339("2024-02-29T00:00:00Z"), Optional(1'709'164'800 * kSecond));
}

TEST(Rfc3339, ParseRefuses) {
    for (const auto* bad : {"", "2026-11-23", "2026-11-23T10:56:26", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z",
                            "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:56:26.Z",
                            "2026-11-23T10:56:26Zx", "2026-11-23 10:56:26Z", "26-11-23T10:56:26Z",
                            "2026-11-23T10:56:26+0100", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
        EXPECT_FALSE(parse_rfc3339(bad)) << bad;
    }
}

TEST(Duration, AsGoReadsThem) {
    EXPECT_THAT(parse_duration("10m"), Optional(600 * kSecond));
    EXPECT_THAT(parse_duration("1h30m"), Optional(5400 * kSecond));
    EXPECT_THAT(parse_duration("1.5h"), Optional(5400 * kSecond));
    EXPECT_THAT(parse_duration(".5s"), Optional(kSecond / 2));
    EXPECT_THAT(parse_duration("1.s"), Optional(kSecond));
    EXPECT_THAT(parse_duration("250ms"), Optional(kSecond / 4));
    EXPECT_THAT(parse_duration("3us4ns"), Optional(3004));
    EXPECT_THAT(parse_duration("3µs"), Optional(3000));
    EXPECT_THAT(parse_duration("-1m"), Optional(-60 * kSecond));
    EXPECT_THAT(parse_duration("+1m"), Optional(60 * kSecond));
    EXPECT_THAT(parse_duration("0"), Optional(0));
    for (const auto* bad :
         {"", "1", "m", ".", ".s", "1x", "1m1", "- 1m", "--1m", "1m-1s", "9999999999h", "99999999999999999999s"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
}

TEST(TimeArgument, EveryForm) {
    EXPECT_THAT(parse_time_argument("1699999999"), Optional(1'699'999'999 * kSecond));
    EXPECT_THAT(parse_time_argument("1699999999.123456789"), Optional(1'699'999'999'123'456'789));
    EXPECT_THAT(parse_time_argument("1699999999.5"), Optional(1'699'999'999'500'000'000));
    EXPECT_THAT(parse_time_argument("2026-11-23T10:56:26Z"), Optional(1'795'431'386 * kSecond));
    EXPECT_THAT(parse_time_argument("2026-11-23T10:56:26"), Optional(1'795'431'386 * kSecond));
    EXPECT_THAT(parse_time_argument("1970-01-02"), Optional(86'400 * kSecond));
    const auto before = wall_ns();
    const auto ago = parse_time_argument("10m");
    const auto after = wall_ns();
    ASSERT_TRUE(ago);
    EXPECT_GE(*ago, before - 600 * kSecond);
    EXPECT_LE(*ago, after - 600 * kSecond);
    for (const auto* bad : {"", "yesterday", "1699999999.", "1699999999.x", "99999999999999",
                            "10"
                            "x"}) {
        EXPECT_FALSE(parse_time_argument(bad)) << bad;
    }
}

TEST(Clocks, GoForward) {
    const auto first = monotonic_ns();
    EXPECT_LE(first, monotonic_ns());
    EXPECT_GT(boot_ns(), 0);
    EXPECT_GT(wall_ns(), 1'700'000'000 * kSecond);
}

}  // namespace
}  // namespace diatom::sys
