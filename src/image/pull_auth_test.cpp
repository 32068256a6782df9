// Who we are to a registry, to its mirrors and to a proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/testing/pull_fixture.h"

namespace diatom::image {
namespace {

using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using ::testing::HasSubstr;
using testing::serve_image;

class PullAuthTest : public testing::PullFixture {
protected:
    // A registry whose token service gives "t1", "t2", … and that takes the last of them, `uses` times each.
    testing::FakeRegistry::Handler with_tokens(int uses) {
        return [this, uses, given = std::make_shared<std::atomic<int>>(0),
                used = std::make_shared<std::atomic<int>>(0)](const FakeRequest& request) -> FakeResponse {
            const auto last = [&] { return std::format("t{}", given->load()); };
            if (request.target.starts_with("/token")) {
                ++*given;
                *used = 0;
                return {.body = std::format(R"({{"token":"{}","expires_in":300}})", last())};
            }
            if (request.header("authorization") == "Bearer " + last() && (*used)++ < uses)
                return serve_image(image_, request);
            return {.status = 401,
                    .headers = {"WWW-Authenticate: Bearer realm=\"http://" + request.header("host") +
                                "/token\",service=\"s\",scope=\"repository:app:pull\""}};
        };
    }
    // Pulls one after the other, in one registry client.
    Result<Pulled> pull_in_turn(const std::vector<std::string>& names, std::function<void()> between = [] {}) {
        const auto all = [&](Registry& registry) -> Pull {
            Result<Pulled> last = fail(Kind::bug, "nothing was pulled");
            for (const auto& name : names) {
                last = co_await pull_one(registry, name, std::nullopt);
                between();
            }
            co_return last;
        };
        return std::move(run({all}).front());
    }
};

TEST_F(PullAuthTest, ATokenIsKeptAcrossPulls) {
    FakeRegistry server(with_tokens(1000));
    const auto name = server.address() + "/app";
    const auto pulled = pull_in_turn({name + ":1", name + ":2", name + ":3"});
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests("/token").size(), 1U);
}

TEST_F(PullAuthTest, ATokenIsNotUsedBeyondItsEnd) {
    FakeRegistry server(with_tokens(1000));
    const auto name = server.address() + "/app";
    const auto pulled = pull_in_turn({name + ":1", name + ":2"}, [&] { now_s_ += 296; });
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests("/token").size(), 2U);
}

TEST_F(PullAuthTest, ATokenThatIsRefusedIsRenewed) {
    FakeRegistry server(with_tokens(2));
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_GE(server.requests("/token").size(), 2U);
}

TEST_F(PullAuthTest, ARegistryThatNeverLetsInIsLeft) {
    FakeRegistry server(with_tokens(0));
    EXPECT_THAT(pull_error(server.address() + "/app", Kind::unauthorized), HasSubstr("pull access denied"));
    EXPECT_LE(server.requests("/token").size(), 3U);
}

TEST_F(PullAuthTest, ConfiguredCredentialsAreForTheirHostAlone) {
    const auto demands = [this](const std::string& user) -> testing::FakeRegistry::Handler {
        return [this, user](const FakeRequest& request) -> FakeResponse {
            if (request.header("authorization") == "Basic " + encode_base64(user)) return serve_image(image_, request);
            return {.status = 401, .headers = {"WWW-Authenticate: Basic realm=\"x\""}};
        };
    };
    FakeRegistry server(demands("me:secret"));
    FakeRegistry mirror(demands("mirror:secret"));
    const auto name = server.address() + "/app";
    pull_error(name, Kind::unauthorized);
    options_.credentials["https://" + server.address() + "/v1/"] = {.username = "me", .password = "secret"};
    EXPECT_TRUE(pull(name));
    // What the client brings goes before what is configured.
    pull_error(name, Kind::unauthorized, Credentials{.username = "me", .password = "wrong"});

    options_.mirrors = {{server.address(), mirror.address()}};
    EXPECT_TRUE(pull(name, Credentials{.username = "me", .password = "secret"}));
    for (const auto& request : mirror.requests()) EXPECT_EQ(request.header("authorization"), "");
    options_.credentials[mirror.address()] = {.username = "mirror", .password = "secret"};
    const auto before = server.requests().size();
    EXPECT_TRUE(pull(name));
    EXPECT_EQ(server.requests().size(), before);
}

TEST_F(PullAuthTest, AProxyIsAskedForTheWholeUrl) {
    FakeRegistry proxy([&](const FakeRequest& request) -> FakeResponse {
        if (request.header("proxy-authorization") != "Basic " + encode_base64("me:p@ss")) return {.status = 407};
        if (request.method == "CONNECT") return {.status = 502};  // no TLS there
        return serve_image(image_, request);
    });
    options_.insecure = {"registry.example"};
    options_.http_proxy = options_.https_proxy = "http://me:p%40ss@" + proxy.address();
    const auto pulled = pull("registry.example/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    const auto requests = proxy.requests();
    EXPECT_EQ(requests[0].method + " " + requests[0].target, "CONNECT registry.example:443");
    EXPECT_EQ(proxy.requests("/manifests/")[0].target, "http://registry.example/v2/app/manifests/latest");

    options_.https_proxy = "http://" + proxy.address();
    EXPECT_THAT(pull_error("other.example/app", Kind::denied), HasSubstr("the proxy wants other credentials"));
}

}  // namespace
}  // namespace diatom::image
