#include "http/pacing.h"

#include <gtest/gtest.h>

namespace diatom::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Pacing, DoublesUpToItsBound) {
    Pacing pacing;
    pacing.first = milliseconds(200);
    pacing.most = milliseconds(1000);
    EXPECT_EQ(back_off_delay(pacing, 1, 1.0), milliseconds(200));
    EXPECT_EQ(back_off_delay(pacing, 2, 1.0), milliseconds(400));
    EXPECT_EQ(back_off_delay(pacing, 3, 1.0), milliseconds(800));
    EXPECT_EQ(back_off_delay(pacing, 4, 1.0), milliseconds(1000));
    EXPECT_EQ(back_off_delay(pacing, 1000, 1.0), milliseconds(1000));
    EXPECT_EQ(back_off_delay(pacing, 3, 0.0), milliseconds(400));
}

TEST(Pacing, ReadsTheThreeFormsOfADate) {
    constexpr std::int64_t kExample = 784111777;  // of RFC 9110, 5.6.7
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
    for (const auto* text : {"", "yesterday", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 GMT x"})
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

TEST(Pacing, ReadsRetryAfter) {
    constexpr std::int64_t kWall = 784111000LL * 1'000'000'000;
    EXPECT_EQ(retry_after("120", "", kWall), seconds(120));
    EXPECT_EQ(retry_after(" 0 ", "", kWall), seconds(0));
    EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "", kWall), seconds(777));
    // The server's clock counts, not ours.
    EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", 0), seconds(30));
    EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:07 GMT", 0), seconds(0));
    EXPECT_EQ(retry_after("18446744073709551615", "", kWall), seconds(366LL * 24 * 3600));
    for (const auto* text : {"", "-1", "soon"}) EXPECT_EQ(retry_after(text, "", kWall), std::nullopt) << text;
}

}  // namespace
}  // namespace diatom::http
