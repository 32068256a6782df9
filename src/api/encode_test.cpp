#include "api/encode.h"

#include <gtest/gtest.h>

#include "runtime/spec.h"

namespace diatom::api {
namespace {

TEST(EncodeHostConfig, HasEveryMemberThatDockersHas) {
    engine::Container container;
    container.config.raw_host_config = {{"CapAdd", {"NET_ADMIN"}}, {"PidsLimit", -1}};
    const auto host = encode_host_config(container);
    for (const auto* key : {"ContainerIDFile", "CgroupParent", "Isolation", "VolumeDriver"})
        EXPECT_EQ(host.at(key), "") << key;
    for (const auto* key : {"BlkioWeight", "CpuCount", "MemoryReservation", "OomScoreAdj"})
        EXPECT_EQ(host.at(key), 0) << key;
    for (const auto* key : {"Binds", "Links", "VolumesFrom", "PidsLimit", "DeviceRequests", "OomKillDisable"})
        EXPECT_TRUE(host.at(key).is_null()) << key;
    EXPECT_EQ(host.at("CapAdd"), Json{"NET_ADMIN"});
    EXPECT_EQ(host.at("PortBindings"), Json::object());
    EXPECT_EQ(host.at("ConsoleSize"), (Json{0, 0}));
    EXPECT_EQ(host.at("NetworkMode"), "bridge");
    EXPECT_EQ(host.at("MaskedPaths"), Json(runtime::default_masked_paths()));
    EXPECT_EQ(host.at("ReadonlyPaths"), Json(runtime::default_readonly_paths()));
}

TEST(EncodeHostConfig, PathsAreTheUsersOrNone) {
    engine::Container container;
    container.config.raw_host_config = {{"MaskedPaths", Json::array()}};
    EXPECT_EQ(encode_host_config(container).at("MaskedPaths"), Json::array());
    container.config.raw_host_config = Json::object();
    container.config.privileged = true;
    EXPECT_FALSE(encode_host_config(container).contains("MaskedPaths"));
}

TEST(EncodeHistory, StepsWithALayerHaveItsSize) {
    image::ImageRecord image;
    image.tags = {"docker.io/library/a:latest"};
    image.config.diff_ids = {image::Digest::of("1"), image::Digest::of("2")};
    image.config.history =
        Json::parse(R"([{"created_by":"one"},{"created_by":"none","empty_layer":true},{"created_by":"two"}])");
    const auto rows = encode_history(image, {{image::Digest::of("1"), 10}, {image::Digest::of("2"), 20}});
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0]["Size"], 20);
    EXPECT_EQ(rows[0]["Tags"], Json{"a:latest"});
    EXPECT_EQ(rows[1]["Size"], 0);
    EXPECT_EQ(rows[2]["Size"], 10);
    EXPECT_EQ(rows[2]["Id"], "<missing>");
}

}  // namespace
}  // namespace diatom::api
