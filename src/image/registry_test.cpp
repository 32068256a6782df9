#include "image/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "image/testing/pull_fixture.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::make_image;
using testing::one_file_layer;
using testing::serve_image;

using RegistryTest = testing::PullFixture;

TEST_F(RegistryTest, PullsAnImageOnce) {
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    const auto name = server.address() + "/team/app:v1";
    auto pulled = pull(name);
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_TRUE(pulled->newer);
    EXPECT_EQ(pulled->manifest.text(), image_.digest());
    EXPECT_EQ(pulled->image.id.text(), image_.id());
    EXPECT_EQ(pulled->image.tags, std::vector<std::string>{name});
    EXPECT_EQ(pulled->image.repo_digests, std::vector<std::string>{server.address() + "/team/app@" + image_.digest()});
    const auto rootfs = store_->create_rootfs("c1", pulled->image.id);
    ASSERT_TRUE(rootfs);
    ASSERT_EQ(rootfs->lower.size(), 2U);
    EXPECT_EQ(*sys::read_file(rootfs->lower[1] + "/etc/motd"), "hello");

    const auto blobs = server.requests("/blobs/").size();
    EXPECT_EQ(blobs, 3U);
    pulled = pull(name);
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_FALSE(pulled->newer);
    EXPECT_EQ(server.requests("/blobs/").size(), blobs);
}

TEST_F(RegistryTest, FetchesABlobOnceForSeveralPulls) {
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    for (const auto& pulled : pull_all({server.address() + "/a", server.address() + "/b"})) {
        ASSERT_TRUE(pulled) << pulled.error().what();
    }
    for (const auto& layer : image_.layers) EXPECT_EQ(server.requests(Digest::of(layer).text()).size(), 1U);
}

TEST_F(RegistryTest, ChoosesThePlatformFromAnIndex) {
    const auto index = [&](const std::string& architecture) {
        auto entry = testing::descriptor_of("application/vnd.oci.image.manifest.v1+json", image_.manifest);
        entry["platform"] = {{"os", "linux"}, {"architecture", architecture}};
        return Json{{"schemaVersion", 2}, {"manifests", {entry}}}.dump();
    };
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        const std::string type = "Content-Type: application/vnd.oci.image.index.v1+json";
        if (request.target.ends_with("/manifests/good")) return {.headers = {type}, .body = index("amd64")};
        if (request.target.ends_with("/manifests/foreign")) return {.headers = {type}, .body = index("s390x")};
        return serve_image(image_, request);
    });
    const auto pulled = pull(server.address() + "/app:good");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(pulled->manifest, Digest::of(index("amd64")));
    EXPECT_THAT(pull_error(server.address() + "/app:foreign", Kind::not_found),
                ::testing::HasSubstr(
                    "no matching manifest for linux/amd64 in the manifest list entries: it offers linux/s390x"));
}

TEST_F(RegistryTest, GetsATokenWithItsCredentials) {
    std::string address;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.starts_with("/token")) return {.body = R"({"token":"sesame"})"};
        if (request.header("authorization") == "Bearer sesame") return serve_image(image_, request);
        return {.status = 401,
                .headers = {"WWW-Authenticate: Bearer realm=\"http://" + address +
                            "/token\",service=\"registry\",scope=\"repository:app:pull\""}};
    });
    address = server.address();
    const auto pulled = pull(address + "/app", Credentials{.username = "me", .password = "secret"});
    ASSERT_TRUE(pulled) << pulled.error().what();
    const auto tokens = server.requests("/token");
    ASSERT_FALSE(tokens.empty());
    EXPECT_EQ(tokens[0].target, "/token?service=registry&scope=repository%3Aapp%3Apull");
    EXPECT_EQ(tokens[0].header("authorization"), "Basic " + encode_base64("me:secret"));
}

TEST_F(RegistryTest, AnswersBasicAuthentication) {
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.header("authorization") == "Basic " + encode_base64("me:secret"))
            return serve_image(image_, request);
        return {.status = 401, .headers = {"WWW-Authenticate: Basic realm=\"x\""}};
    });
    const auto name = server.address() + "/app";
    EXPECT_TRUE(pull(name, Credentials{.username = "me", .password = "secret"}));
    EXPECT_THAT(
        pull_error(server.address() + "/other", Kind::unauthorized, Credentials{.username = "me", .password = "wrong"}),
        ::testing::HasSubstr("pull access denied for " + server.address() + "/other"));
    EXPECT_THAT(pull_error(name, Kind::unauthorized), ::testing::HasSubstr("may require 'docker login'"));
}

TEST_F(RegistryTest, TellsThatAnImageIsUnknown) {
    FakeRegistry server([](const FakeRequest&) -> FakeResponse {
        return {.status = 404, .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})"};
    });
    EXPECT_EQ(pull_error(server.address() + "/app:v9", Kind::not_found),
              "manifest for " + server.address() + "/app:v9 not found: manifest unknown");
}

TEST_F(RegistryTest, ResumesATruncatedDownload) {
    const auto big = Digest::of(image_.layers[1]).text();
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (request.target.ends_with(big) && request.header("range").empty()) response.only = response.body.size() / 2;
        return response;
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests(big).size(), 2U);
}

TEST_F(RegistryTest, BeginsAgainWhenTheRangeIsIgnored) {
    const auto big = Digest::of(image_.layers[1]).text();
    int asked = 0;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        auto plain = request;
        plain.headers.erase("range");
        auto response = serve_image(image_, plain);
        if (request.target.ends_with(big) && asked++ == 0) response.only = response.body.size() / 2;
        return response;
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(RegistryTest, GivesUpOnASilentServerAndResumes) {
    const auto big = Digest::of(image_.layers[1]).text();
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (request.target.ends_with(big) && request.header("range").empty()) {
            response.only = 1000;
            response.then = FakeResponse::Then::stall;
        }
        return response;
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(RegistryTest, RefusesBytesOfAnotherDigest) {
    const auto big = Digest::of(image_.layers[1]).text();
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (request.target.ends_with(big)) response.body.back() ^= 1;
        return response;
    });
    pull_error(server.address() + "/app", Kind::corrupt);
    EXPECT_TRUE(store_->list()->empty());
}

TEST_F(RegistryTest, RefusesAManifestOfAnotherDigest) {
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    pull_error(server.address() + "/app@sha256:" + std::string(64, 'a'), Kind::corrupt);
}

TEST_F(RegistryTest, StopsInARedirectLoop) {
    FakeRegistry server([](const FakeRequest& request) -> FakeResponse {
        return {.status = 307, .headers = {"Location: " + request.target}};
    });
    options_.pacing.attempts = 1;
    EXPECT_THAT(pull_error(server.address() + "/app", Kind::unavailable),
                ::testing::HasSubstr("redirects more than 10 times"));
}

TEST_F(RegistryTest, KeepsCredentialsFromOtherHosts) {
    FakeRegistry elsewhere([&](const FakeRequest& request) { return serve_image(image_, request); });
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.header("authorization").empty())
            return {.status = 401, .headers = {"WWW-Authenticate: Basic realm=\"x\""}};
        if (request.target.contains("/blobs/"))
            return {.status = 307, .headers = {"Location: http://" + elsewhere.address() + request.target}};
        return serve_image(image_, request);
    });
    const auto pulled = pull(server.address() + "/app", Credentials{.username = "me", .password = "secret"});
    ASSERT_TRUE(pulled) << pulled.error().what();
    ASSERT_EQ(elsewhere.requests().size(), 3U);
    for (const auto& request : elsewhere.requests()) EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(RegistryTest, TriesAgainWhenTheServerIsBusy) {
    int asked = 0;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.contains("/manifests/") && asked++ < 2)
            return {.status = asked == 1 ? 503 : 429, .headers = {"Retry-After: 0"}};
        return serve_image(image_, request);
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests("/manifests/").size(), 3U);
}

TEST_F(RegistryTest, PrefersAMirrorAndFallsBack) {
    FakeRegistry mirror([&](const FakeRequest& request) { return serve_image(image_, request); });
    FakeRegistry broken([](const FakeRequest&) -> FakeResponse { return {.status = 404}; });
    options_.mirrors = {{"registry.example", broken.address()}, {"registry.example", mirror.address()}};
    const auto pulled = pull("registry.example/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(pulled->image.tags, std::vector<std::string>{"registry.example/app:latest"});
    EXPECT_FALSE(broken.requests().empty());
}

// By hand, against a real server: DIATOM_TEST_IMAGE=127.0.0.1:5000/web image_test --gtest_filter='*RealRegistry'
TEST_F(RegistryTest, PullsFromARealRegistry) {
    const char* name = std::getenv("DIATOM_TEST_IMAGE");
    if (name == nullptr) GTEST_SKIP() << "DIATOM_TEST_IMAGE names no image";
    const auto pulled = pull(name);
    ASSERT_TRUE(pulled) << pulled.error().what();
    for (const auto& diff_id : pulled->image.config.diff_ids) EXPECT_TRUE(*store_->has_layer(diff_id));
    EXPECT_FALSE(pull(name)->newer);
}

TEST_F(RegistryTest, TellsThatNobodyAnswers) {
    std::string address;
    {
        address = FakeRegistry([](const FakeRequest&) { return FakeResponse{}; }).address();
    }
    options_.pacing.attempts = 1;
    EXPECT_THAT(pull_error(address + "/app", Kind::unavailable), ::testing::HasSubstr(address));
}

}  // namespace
}  // namespace diatom::image
