// Pushing, to a registry in this process.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <random>

#include "image/registry.h"
#include "image/testing/fake_registry.h"
#include "image/testing/store_fixture.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::make_image;
using testing::one_file_layer;

class PushTest : public testing::StoreFixture {
protected:
    void add(const std::string& tag, const std::string& repo_digest = "") {
        for (const auto& layer : image_.layers) ASSERT_TRUE(unpack(layer));
        ASSERT_TRUE(store_->put_blob(*Digest::parse(image_.id()), image_.config));
        ASSERT_TRUE(store_->put_blob(*Digest::parse(image_.digest()), image_.manifest));
        ASSERT_TRUE(store_->add_image(*Digest::parse(image_.id()), *Digest::parse(image_.digest()),
                                      Reference::parse(tag)->full(), repo_digest));
    }
    Result<Pushed> push(const std::string& name, std::optional<Credentials> credentials = {}) {
        asio::io_context loop;
        asio::thread_pool workers(2);
        RegistryOptions options;
        options.pacing.attempts = 2;
        options.pacing.wait = [](std::chrono::milliseconds) -> asio::awaitable<Result<void>> {
            co_return Result<void>{};
        };
        auto registry = Registry::create(options, *store_, workers);
        std::optional<Result<Pushed>> result;
        const ProgressSink sink = [&](const Progress& step) { said_ += step.status + "\n"; };
        const auto reference = *Reference::parse(name);
        auto work = asio::make_work_guard(loop);
        asio::co_spawn(loop, registry->push(reference, credentials, sink),
                       [&](const std::exception_ptr& thrown, Result<Pushed> pushed) {
                           EXPECT_FALSE(thrown);
                           result = std::move(pushed);
                           work.reset();
                       });
        loop.run();
        workers.join();
        return std::move(*result);
    }
    static std::string noise(std::size_t size) {
        std::mt19937 random(1);
        std::string text(size, '\0');
        for (auto& c : text) c = static_cast<char>(random());
        return text;
    }

    testing::PushTarget target_;
    testing::TestImage image_ =
        make_image({one_file_layer("etc/motd", "hello"), one_file_layer("noise", noise(7U << 20U))});
    std::string said_;
};

TEST_F(PushTest, UploadsInPiecesAndThenKnowsItsLayers) {
    FakeRegistry server([&](const FakeRequest& request) { return target_.serve(request); });
    const auto name = server.address() + "/team/app:v1";
    add(name);
    const auto pushed = push(name);
    ASSERT_TRUE(pushed) << pushed.error().what();
    const auto manifest = target_.manifests.at("/v2/team/app/manifests/v1");
    EXPECT_EQ(pushed->manifest, Digest::of(manifest));
    EXPECT_EQ(pushed->size, manifest.size());
    const auto decoded = std::get<Manifest>(*decode_manifest(manifest, {}));
    EXPECT_EQ(decoded.config.digest.text(), image_.id());
    for (const auto& layer : decoded.layers) {
        ASSERT_TRUE(target_.blobs.contains(layer.digest.text()));
        EXPECT_EQ(target_.blobs.at(layer.digest.text()).size(), layer.size);
    }
    EXPECT_TRUE(target_.blobs.contains(image_.id()));
    std::size_t patches = 0;
    for (const auto& request : server.requests()) patches += request.method == "PATCH" ? 1 : 0;
    EXPECT_EQ(patches, 1U) << "seven MiB of noise are more than one piece and less than two";
    EXPECT_EQ(store_->find(name)->repo_digests.size(), 1U);

    const auto before = server.requests("/upload").size();
    said_.clear();
    const auto again = push(name);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->manifest, pushed->manifest);
    EXPECT_EQ(server.requests("/upload").size(), before);
    EXPECT_TRUE(said_.contains("Layer already exists"));
}

TEST_F(PushTest, KeepsTheManifestWhereTheBlobsAreThere) {
    FakeRegistry server([&](const FakeRequest& request) { return target_.serve(request); });
    target_.blobs = image_.blobs;
    const auto name = server.address() + "/team/app:v1";
    add(name);
    const auto pushed = push(name);
    ASSERT_TRUE(pushed) << pushed.error().what();
    EXPECT_EQ(pushed->manifest.text(), image_.digest());
    EXPECT_EQ(target_.manifests.at("/v2/team/app/manifests/v1"), image_.manifest);
}

TEST_F(PushTest, MountsFromItsOtherRepository) {
    FakeRegistry server([&](const FakeRequest& request) { return target_.serve(request); });
    target_.mounts = true;
    const auto name = server.address() + "/team/app:v1";
    add(name, server.address() + "/other/app@" + image_.digest());
    const auto pushed = push(name);
    ASSERT_TRUE(pushed) << pushed.error().what();
    EXPECT_EQ(pushed->manifest.text(), image_.digest());
    EXPECT_EQ(server.requests("from=other/app").size(), 2U);
    EXPECT_TRUE(said_.contains("Mounted from other/app"));
}

TEST_F(PushTest, AsksForTheRightToPush) {
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.starts_with("/token")) return {.body = R"({"token":"secret"})"};
        if (request.header("authorization") == "Bearer secret") return target_.serve(request);
        return {.status = 401,
                .headers = {"WWW-Authenticate: Bearer realm=\"http://" + request.header("host") +
                            "/token\",service=\"s\",scope=\"repository:team/app:pull\""}};
    });
    const auto name = server.address() + "/team/app:v1";
    add(name);
    const auto pushed = push(name, Credentials{.username = "alice", .password = "wonderland"});
    ASSERT_TRUE(pushed) << pushed.error().what();
    EXPECT_EQ(server.requests("/token").size(), 1U);
    EXPECT_TRUE(server.requests("/token")[0].target.contains("pull%2Cpush"));
}

TEST_F(PushTest, NamesWhatWasRefused) {
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.method == "HEAD") return {.status = 404};
        return {.status = 403, .body = R"({"errors":[{"code":"DENIED","message":"read only"}]})"};
    });
    const auto name = server.address() + "/team/app:v1";
    add(name);
    const auto pushed = push(name);
    ASSERT_FALSE(pushed);
    EXPECT_EQ(pushed.error().kind(), Kind::denied);
    EXPECT_TRUE(pushed.error().what().contains("push access denied")) << pushed.error().what();
    EXPECT_TRUE(pushed.error().what().contains("read only")) << pushed.error().what();
    const auto missing = push(server.address() + "/team/nonesuch:v1");
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().what().contains("does not exist locally")) << missing.error().what();
}

}  // namespace
}  // namespace diatom::image
