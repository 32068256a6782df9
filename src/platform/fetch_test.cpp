// Servers that are busy, slow, broken, too large, or elsewhere.
#include "platform/fetch.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/testing/cloud_fixture.h"

namespace diatom::platform {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::FakeServer;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;

class FetchTest : public testing::CloudFixture {
protected:
    static Url url(const FakeServer& server, const std::string& target) {
        return *Url::parse("http://" + server.address() + target);
    }
    Result<std::string> get(const Url& from, Request request = {}) {
        Fetcher fetcher(options_);
        return testing::run(fetcher.get(from, std::move(request)));
    }
    std::string get_error(const Url& from, Kind kind, Request request = {}) {
        const auto got = get(from, std::move(request));
        EXPECT_FALSE(got);
        if (got) return {};
        EXPECT_EQ(got.error().kind(), kind) << got.error().what();
        return got.error().what();
    }
    // `first` for so many requests, then "done".
    static FakeServer::Handler after(int times, FakeResponse first) {
        return [=, asked = std::make_shared<std::atomic<int>>(0)](const FakeRequest&) -> FakeResponse {
            return (*asked)++ < times ? first : FakeResponse{.body = "done"};
        };
    }
};

TEST_F(FetchTest, TriesPassingStatusesAgain) {
    for (const int status : {408, 429, 500, 502, 503, 504}) {
        waits_.clear();
        const FakeServer server(after(2, {.status = status, .body = "busy"}));
        const auto got = get(url(server, "/"));
        ASSERT_TRUE(got) << status << got.error().what();
        EXPECT_EQ(*got, "done");
        ASSERT_EQ(waits_.size(), 2U);
        EXPECT_THAT(waits_[0], AllOf(Ge(milliseconds(100)), Le(milliseconds(200))));
        EXPECT_THAT(waits_[1], AllOf(Ge(milliseconds(200)), Le(milliseconds(400))));
    }
}

TEST_F(FetchTest, TriesBrokenAndStalledAnswersAgain) {
    for (const auto then : {FakeResponse::Then::close, FakeResponse::Then::stall}) {
        const FakeServer server(after(1, {.body = "this is cut short", .only = 6, .then = then}));
        const auto got = get(url(server, "/"));
        ASSERT_TRUE(got) << got.error().what();
        EXPECT_EQ(*got, "done");
        EXPECT_EQ(server.requests().size(), 2U);
    }
}

TEST_F(FetchTest, DoesNotTryAgainWhatWillNotChange) {
    const FakeServer server(
        testing::serve({{"/401", {.status = 401}}, {"/403", {.status = 403}}, {"/418", {.status = 418}}}));
    EXPECT_THAT(get_error(url(server, "/404"), Kind::not_found), HasSubstr("status 404"));
    get_error(url(server, "/401"), Kind::denied);
    get_error(url(server, "/403"), Kind::denied);
    get_error(url(server, "/418"), Kind::io);
    EXPECT_EQ(server.requests().size(), 4U);
    EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(FetchTest, GivesUpAtTheDeadlineAndSaysWhy) {
    options_.deadline = seconds(30);
    const FakeServer server([](const FakeRequest&) -> FakeResponse { return {.status = 503}; });
    EXPECT_THAT(get_error(url(server, "/x?token=hunter2"), Kind::timed_out),
                AllOf(HasSubstr("/x: status 503 (tried "), Not(HasSubstr("hunter2"))));
    EXPECT_LE(now_ms_, 30'000);
    EXPECT_GE(server.requests().size(), 6U);
}

TEST_F(FetchTest, NobodyListens) {
    std::optional<Url> gone;
    {
        const FakeServer server(testing::serve({}));
        gone = url(server, "/");
    }
    options_.deadline = seconds(5);
    EXPECT_THAT(get_error(*gone, Kind::timed_out), HasSubstr("Connection refused"));
}

TEST_F(FetchTest, ADeadlineEndsWhatIsUnderWay) {
    options_.deadline = milliseconds(300);
    options_.stall = seconds(60);
    const FakeServer server(after(1000, {.body = "slow", .only = 1, .then = FakeResponse::Then::stall}));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THAT(get_error(url(server, "/"), Kind::timed_out), HasSubstr("no whole answer in time"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
}

TEST_F(FetchTest, WaitsAsLongAsTheServerAsks) {
    const FakeServer server(after(1, {.status = 429, .headers = {"Retry-After: 7"}}));
    ASSERT_TRUE(get(url(server, "/")));
    EXPECT_THAT(waits_, ElementsAre(seconds(7)));
    const FakeServer patient(after(1, {.status = 429, .headers = {"Retry-After: 3600"}}));
    get_error(url(patient, "/"), Kind::timed_out);
    EXPECT_EQ(patient.requests().size(), 1U);
}

TEST_F(FetchTest, BoundsABody) {
    options_.limit = 1000;
    const FakeServer server(testing::serve({{"/fits", {.body = std::string(1000, 'x')}},
                                            {"/large", {.body = std::string(1001, 'x')}},
                                            {"/refused", {.status = 403, .body = std::string(200'000, 'x')}}}));
    EXPECT_TRUE(get(url(server, "/fits")));
    get_error(url(server, "/large"), Kind::exhausted);
    get_error(url(server, "/refused"), Kind::denied);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(FetchTest, FollowsRedirectsAFewTimes) {
    const FakeServer server([](const FakeRequest& request) -> FakeResponse {
        if (request.target == "/loop") return {.status = 302, .headers = {"Location: /loop"}};
        if (request.target == "/old") return {.status = 301, .headers = {"Location: /new"}};
        return {.body = request.target + request.header("x-token")};
    });
    Request request;
    request.headers["X-Token"] = "t";
    EXPECT_EQ(get(url(server, "/old"), request).value_or(""), "/newt");
    EXPECT_THAT(get_error(url(server, "/loop"), Kind::io), HasSubstr("redirects"));
}

TEST_F(FetchTest, ARedirectTakesNoTokenToAnotherHost) {
    const FakeServer other(
        [](const FakeRequest& request) -> FakeResponse { return {.body = request.header("x-token")}; });
    const FakeServer server([&](const FakeRequest&) -> FakeResponse {
        return {.status = 307, .headers = {"Location: http://" + other.address() + "/"}};
    });
    Request request;
    request.headers["X-Token"] = "t";
    EXPECT_EQ(get(url(server, "/"), request).value_or("?"), "");
    const FakeServer broken(
        [&](const FakeRequest&) -> FakeResponse { return {.status = 307, .headers = {"Location: gopher://x"}}; });
    get_error(url(broken, "/"), Kind::invalid);
}

TEST_F(FetchTest, AsksTheOtherServerWhenOneIsAway) {
    std::optional<Url> gone;
    {
        const FakeServer server(testing::serve({}));
        gone = url(server, "/a");
    }
    const FakeServer server(testing::serve({{"/a", {.body = "here"}}}));
    Fetcher fetcher(options_);
    std::vector<Url> servers{*gone, url(server, "/a")};
    const auto got = testing::run(fetcher.ask(servers, Request{}));
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->body, "here");
    EXPECT_EQ(got->asked.port, servers[1].port);
    EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(FetchTest, ACancelledRequestEndsAtOnce) {
    namespace asio = boost::asio;
    options_.stall = seconds(60);
    const FakeServer server(after(1, {.body = "slow", .only = 1, .then = FakeResponse::Then::stall}));
    Fetcher fetcher(options_);
    asio::io_context loop;
    asio::cancellation_signal cancel;
    asio::steady_timer timer(loop, milliseconds(100));
    timer.async_wait([&](const boost::system::error_code&) { cancel.emit(asio::cancellation_type::all); });
    std::optional<Kind> kind;
    const auto done = [&](const std::exception_ptr&, const Result<std::string>& got) {
        kind = got ? Kind::bug : got.error().kind();
    };
    asio::co_spawn(loop, fetcher.get(url(server, "/"), Request{}), asio::bind_cancellation_slot(cancel.slot(), done));
    const auto begin = std::chrono::steady_clock::now();
    loop.run();
    EXPECT_EQ(kind, Kind::cancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(20));
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(FetchTest, NothingIsNoError) {
    const FakeServer server(testing::serve({{"/204", {.status = 204}}, {"/empty", {}}, {"/500", {.status = 501}}}));
    Fetcher fetcher(options_);
    for (const auto* target : {"/404", "/204", "/empty"}) {
        const auto found = testing::run(fetcher.find(url(server, target), Request{}));
        ASSERT_TRUE(found) << target;
        EXPECT_FALSE(*found) << target;
    }
    EXPECT_FALSE(testing::run(fetcher.find(url(server, "/500"), Request{})));
}

TEST_F(FetchTest, ProxiesAreForUrlsOfUsers) {
    std::atomic<int> chosen = 0;
    options_.http = [&](const Url&) {
        ++chosen;
        return http::HttpOptions{};
    };
    const FakeServer server(testing::serve({{"/a", {.body = "here"}}}));
    ASSERT_TRUE(get(url(server, "/a")));
    EXPECT_EQ(chosen, 0);
    Request request;
    request.of_platform = false;
    ASSERT_TRUE(get(url(server, "/a"), request));
    EXPECT_EQ(chosen, 1);
}

}  // namespace
}  // namespace diatom::platform
