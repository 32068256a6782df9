#include <gmock/gmock.h>

#include "image/testing/pull_fixture.h"
#include "image/testing/tls_tunnel.h"

namespace diatom::image {
namespace {

using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using ::testing::HasSubstr;

class DownloadTest : public testing::PullFixture {
protected:
    Result<std::string> download(std::string url) {
        namespace asio = boost::asio;
        asio::io_context loop;
        asio::thread_pool workers(1);
        const auto registry = Registry::create(options_, *store_, workers);
        Result<std::string> body;
        const auto read = [&]() -> Task<std::string> {
            auto opened = co_await registry->download(std::move(url));
            const auto response = CO_TRY(std::move(opened));
            co_return co_await response->read_all(1000);
        };
        asio::co_spawn(loop, read, [&](const std::exception_ptr& thrown, Result<std::string> got) {
            EXPECT_FALSE(thrown);
            body = std::move(got);
        });
        loop.run();
        workers.join();
        return body;
    }
};

TEST_F(DownloadTest, FollowsRedirects) {
    const FakeRegistry server([](const FakeRequest& request) -> FakeResponse {
        if (request.target == "/here") return {.status = 302, .headers = {"Location: /there?x=1"}};
        if (request.target == "/there?x=1") return {.body = "contents"};
        if (request.target == "/circle") return {.status = 301, .headers = {"Location: /circle"}};
        return {.status = request.target == "/private" ? 403 : 404};
    });
    const auto base = "http://" + server.address();
    EXPECT_EQ(download(base + "/here").value_or("nothing"), "contents");
    EXPECT_EQ(download(base + "/circle").error().kind(), Kind::unavailable);
    EXPECT_EQ(download(base + "/nonesuch").error().kind(), Kind::not_found);
    EXPECT_EQ(download(base + "/private").error().kind(), Kind::denied);
    EXPECT_EQ(download("ftp://" + server.address() + "/x").error().kind(), Kind::invalid);
}

TEST_F(DownloadTest, TrustsWhomRegistriesTrustAndStaysOnTls) {
    const testing::TlsTunnel tunnel(
        [](const FakeRequest& request) -> FakeResponse {
            if (request.target == "/down") return {.status = 302, .headers = {"Location: http://registry.test/x"}};
            return {.body = "contents"};
        },
        testing::TlsTunnel::Clients::any);
    options_.https_proxy = "http://" + tunnel.address();
    EXPECT_THAT(download("https://registry.test/x").error().what(), HasSubstr("certificate"));
    options_.insecure = {"registry.test"};
    EXPECT_EQ(download("https://registry.test/x").value_or("nothing"), "contents");
    EXPECT_THAT(download("https://registry.test/down").error().what(), HasSubstr("from https to http: refused"));
}

TEST_F(DownloadTest, ABrokenOffAnswerIsNoWholeOne) {
    const FakeRegistry server([](const FakeRequest&) -> FakeResponse { return {.body = "contents", .only = 3}; });
    EXPECT_EQ(download("http://" + server.address() + "/x").error().kind(), Kind::unavailable);
}

}  // namespace
}  // namespace diatom::image
