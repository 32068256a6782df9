#include "api/older_clients.h"

#include <gtest/gtest.h>

#include "api/decode.h"
#include "api/encode.h"

namespace diatom::api {
namespace {

Result<Json> body_of(std::string_view text, int version) {
    return container_body_of(parse_json(text, "test").value(), version);
}

TEST(OlderClients, FieldsThatCameLaterAreNotTheirs) {
    const auto* text = R"({"HostConfig":{"AutoRemove":true,"Annotations":{"a":"b"}},"Healthcheck":{"StartInterval":5},
        "NetworkingConfig":{"EndpointsConfig":{"n":{"GwPriority":3}}}})";
    const auto newest = body_of(text, 51);
    ASSERT_TRUE(newest);
    EXPECT_EQ(*newest, parse_json(text, "test").value());
    const auto oldest = body_of(text, 24);
    ASSERT_TRUE(oldest);
    EXPECT_EQ(oldest->at("HostConfig"), (Json{{"IpcMode", "shareable"}}));
    EXPECT_TRUE(oldest->at("Healthcheck").empty());
    EXPECT_TRUE(oldest->at("NetworkingConfig").at("EndpointsConfig").at("n").empty());
}

TEST(OlderClients, MountsAreThoseOfTheirVersion) {
    const auto* bind = R"({"HostConfig":{"Mounts":[{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true,
        "BindOptions":{"NonRecursive":true,"CreateMountpoint":true},"TmpfsOptions":{"Mode":511}}]}})";
    const auto older = body_of(bind, 39);
    ASSERT_TRUE(older);
    const auto& mount = older->at("HostConfig").at("Mounts").at(0);
    EXPECT_EQ(mount.at("BindOptions"), (Json{{"ReadOnlyNonRecursive", true}}));
    EXPECT_FALSE(mount.contains("TmpfsOptions"));
    const auto refused = [](std::string_view text, int version, std::string_view says) {
        const auto body = body_of(text, version);
        ASSERT_FALSE(body) << text;
        EXPECT_EQ(body.error().kind(), Kind::invalid);
        EXPECT_TRUE(body.error().what().contains(says)) << body.error().what();
        EXPECT_TRUE(body_of(text, 51)) << text;
    };
    refused(R"({"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"Subpath":"x"}}]}})", 44, "needs API v1.45");
    refused(R"({"HostConfig":{"Mounts":[{"Type":"bind","BindOptions":{"ReadOnlyForceRecursive":true}}]}})", 43,
            "needs API v1.44");
    refused(R"({"NetworkingConfig":{"EndpointsConfig":{"b":{},"a":{}}}})", 43, "multiple network endpoints: a, b");
}

TEST(OlderClients, WhatIsNoObjectIsLeftToWhoDecodesIt) {
    for (const auto* text : {R"({"HostConfig":3})", R"({"HostConfig":{"Mounts":{}}})", R"({"NetworkingConfig":[]})",
                             R"({"HostConfig":{"Mounts":[7]}})", R"({"Healthcheck":"x"})"})
        EXPECT_TRUE(body_of(text, 24)) << text;
}

TEST(OlderClients, ImagesHaveTheMembersOfTheirVersion) {
    image::ImageRecord image;
    image.size = 7;
    auto row = encode_image_row(image, 2);
    add_older_image_row(row, 51);
    EXPECT_FALSE(row.contains("VirtualSize"));
    EXPECT_EQ(row["Containers"], 2);
    EXPECT_EQ(row["RepoTags"], Json::array());
    add_older_image_row(row, 42);
    EXPECT_EQ(row["VirtualSize"], 7);
    EXPECT_EQ(row["Containers"], -1);
    EXPECT_EQ(row["RepoTags"], Json{"<none>:<none>"});
}

TEST(OlderClients, AliasesNameTheContainer) {
    engine::Container container{.id = std::string(64, 'a'), .config = {.hostname = "box"}};
    container.config.networks = {{.network = "front", .aliases = {"own"}}, {.network = "bridge"}};
    auto body = encode_container(container, std::nullopt);
    add_older_container(body, container, 45);
    EXPECT_EQ(body["NetworkSettings"]["Networks"]["front"]["Aliases"], Json{"own"});
    add_older_container(body, container, 44);
    EXPECT_EQ(body["NetworkSettings"]["Networks"]["front"]["Aliases"], (Json{"own", "aaaaaaaaaaaa", "box"}));
    EXPECT_TRUE(body["NetworkSettings"]["Networks"]["bridge"]["Aliases"].is_null());
}

}  // namespace
}  // namespace diatom::api
