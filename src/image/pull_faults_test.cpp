// Registries that are busy, and connections that break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/testing/pull_fixture.h"

namespace diatom::image {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using ::testing::HasSubstr;
using testing::serve_image;

class PullFaultsTest : public testing::PullFixture {
protected:
    // The first answer for a manifest is `busy`.
    testing::FakeRegistry::Handler busy_once(FakeResponse busy) {
        return [this, busy, asked = std::make_shared<std::atomic<int>>(0)](const FakeRequest& request) {
            return request.target.contains("/manifests/") && (*asked)++ == 0 ? busy : serve_image(image_, request);
        };
    }
    std::string big() const { return Digest::of(image_.layers[1]).text(); }
};

TEST_F(PullFaultsTest, WaitsAsLongAsTheServerAsks) {
    FakeRegistry server(busy_once({.status = 429, .headers = {"Retry-After: 7"}}));
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_THAT(waits_, ElementsAre(seconds(7)));
}

TEST_F(PullFaultsTest, ReadsADateByTheServersClock) {
    FakeRegistry server(
        busy_once({.status = 503,
                   .headers = {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", "Date: Sun, 06 Nov 1994 08:49:07 GMT"}}));
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_THAT(waits_, ElementsAre(seconds(30)));
}

TEST_F(PullFaultsTest, DoesNotWaitForAnHour) {
    FakeRegistry server(busy_once({.status = 429,
                                   .headers = {"Retry-After: 3600"},
                                   .body = R"({"errors":[{"code":"TOOMANYREQUESTS","message":"rate limit"}]})"}));
    const auto error = pull_error(server.address() + "/app", Kind::unavailable);
    EXPECT_THAT(error, HasSubstr("status 429 (too many requests): rate limit"));
    EXPECT_THAT(error, HasSubstr("asks to be left alone for 3600 seconds"));
    EXPECT_EQ(server.requests().size(), 1U);
    EXPECT_TRUE(waits_.empty());
}

TEST_F(PullFaultsTest, SaysHowOftenItTried) {
    FakeRegistry server([](const FakeRequest&) -> FakeResponse { return {.status = 502}; });
    options_.pacing.first = milliseconds(100);
    EXPECT_THAT(pull_error(server.address() + "/app", Kind::unavailable),
                ::testing::AllOf(HasSubstr("status 502"), HasSubstr("(tried 3 times)")));
    ASSERT_EQ(waits_.size(), 2U);
    EXPECT_THAT(waits_[0], ::testing::AllOf(::testing::Ge(milliseconds(50)), ::testing::Le(milliseconds(100))));
    EXPECT_THAT(waits_[1], ::testing::AllOf(::testing::Ge(milliseconds(100)), ::testing::Le(milliseconds(200))));
}

TEST_F(PullFaultsTest, DoesNotAskAgainWhatWillNotChange) {
    FakeRegistry server([](const FakeRequest&) -> FakeResponse { return {.status = 501}; });
    pull_error(server.address() + "/app", Kind::io);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(PullFaultsTest, WaitsForABusyTokenService) {
    std::string address;
    std::atomic<int> asked = 0;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.starts_with("/token") && asked++ == 0) return {.status = 429, .headers = {"Retry-After: 5"}};
        if (request.target.starts_with("/token")) return {.body = R"({"token":"t"})"};
        if (request.header("authorization") == "Bearer t") return serve_image(image_, request);
        return {.status = 401, .headers = {"WWW-Authenticate: Bearer realm=\"http://" + address + "/token\""}};
    });
    address = server.address();
    const auto pulled = pull(address + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_THAT(waits_, ElementsAre(seconds(5)));
}

// Each connection brings 70,000 bytes and breaks, more often than there are attempts.
TEST_F(PullFaultsTest, GoesOnAsLongAsBytesCome) {
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (request.target.ends_with(big())) response.only = 70'000;
        return response;
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    const auto requests = server.requests(big());
    ASSERT_EQ(requests.size(), 5U);
    EXPECT_EQ(requests[1].header("range"), std::format("bytes=70000-{}", image_.layers[1].size() - 1));
    EXPECT_EQ(requests[4].header("range"), std::format("bytes=280000-{}", image_.layers[1].size() - 1));
}

TEST_F(PullFaultsTest, GivesUpWhenNothingComes) {
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (request.target.ends_with(big())) response.only = 10;
        return response;
    });
    EXPECT_THAT(pull_error(server.address() + "/app", Kind::unavailable), HasSubstr("gave up after 3 interruptions"));
    EXPECT_EQ(server.requests(big()).size(), 3U);
}

}  // namespace
}  // namespace diatom::image
