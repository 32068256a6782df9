#include <gmock/gmock.h>

#include "image/testing/pull_fixture.h"

namespace diatom::image {
namespace {

using ::testing::ElementsAre;
using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;

class RegistryTagsTest : public testing::PullFixture {
protected:
    Result<std::vector<std::string>> tags(const std::string& name) {
        namespace asio = boost::asio;
        asio::io_context loop;
        asio::thread_pool workers(1);
        const auto registry = Registry::create(options_, *store_, workers);
        Result<std::vector<std::string>> found;
        asio::co_spawn(loop, registry->tags(*Reference::parse(name), {}),
                       [&](const std::exception_ptr& thrown, Result<std::vector<std::string>> listed) {
                           EXPECT_FALSE(thrown);
                           found = std::move(listed);
                       });
        loop.run();
        workers.join();
        return found;
    }
};

TEST_F(RegistryTagsTest, ALongListComesInPages) {
    const FakeRegistry server([](const FakeRequest& request) -> FakeResponse {
        if (request.target == "/v2/team/app/tags/list") {
            return {.headers = {"Link: </v2/team/app/tags/list?last=b&n=2>; rel=\"next\""},
                    .body = R"({"name":"team/app","tags":["a","b"]})"};
        }
        if (request.target == "/v2/team/app/tags/list?last=b&n=2") return {.body = R"({"tags":["c"]})"};
        return {.status = 500};
    });
    const auto found = tags(server.address() + "/team/app");
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_THAT(*found, ElementsAre("a", "b", "c"));
}

TEST_F(RegistryTagsTest, AListWithoutAnEndIsLeft) {
    const FakeRegistry server([](const FakeRequest&) -> FakeResponse {
        return {.headers = {"Link: </v2/app/tags/list?last=a>; rel=\"next\""}, .body = R"({"tags":["a"]})"};
    });
    const auto found = tags(server.address() + "/app");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind(), Kind::unavailable);
}

TEST_F(RegistryTagsTest, WhatARegistryDoesNotKnowOrGarblesIsToldApart) {
    const FakeRegistry server([](const FakeRequest& request) -> FakeResponse {
        if (request.target.contains("none")) return {.body = R"({"name":"none","tags":null})"};
        if (request.target.contains("bad")) return {.body = R"({"tags":"all"})"};
        return {.status = 404, .body = R"({"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]})"};
    });
    EXPECT_THAT(*tags(server.address() + "/none"), ElementsAre());
    EXPECT_EQ(tags(server.address() + "/bad").error().kind(), Kind::invalid);
    const auto unknown = tags(server.address() + "/app");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind(), Kind::not_found);
    EXPECT_THAT(unknown.error().what(), ::testing::HasSubstr("repository name not known"));
}

}  // namespace
}  // namespace diatom::image
