#include "engine/size_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/volume_mounts.h"
#include "engine/volumes.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::engine {
namespace {

using testing::HasSubstr;

TEST(SizeLimit, IsRefusedWhereTheFileSystemHasNone) {
    test::in_mount_namespace([] {
        const test::TempDir temp;
        ASSERT_TRUE(sys::mount_fs("tmpfs", temp / ""));
        ASSERT_TRUE(sys::make_dirs(temp / "c/upper"));
        enforce_size_limits(temp / "");
        const auto limited = limit_size({temp / "c/upper"}, 1U << 20U);
        ASSERT_FALSE(limited);
        EXPECT_EQ(limited.error().kind(), Kind::unsupported);
        EXPECT_THAT(limited.error().what(), HasSubstr("tune2fs -O project,quota"));
        const SizeLimitRelease release(temp / "c/upper");  // nothing to do
    });
}

TEST(SizeLimit, AVolumeHasItsLimitOrIsNotMade) {
    test::in_mount_namespace([] {
        const test::TempDir temp;
        ASSERT_TRUE(sys::mount_fs("tmpfs", temp / ""));
        const auto made = [&](const std::string& name, std::map<std::string, std::string> options) {
            return make_volume_directory(
                {.name = name, .mountpoint = temp / ("volumes/" + name + "/_data"), .options = std::move(options)});
        };
        EXPECT_TRUE(made("free", {}));
        EXPECT_TRUE(sys::exists(temp / "volumes/free/_data") && sys::exists(temp / "volumes/free/unfinished"));
        const auto refused = made("limited", {{"size", "1m"}});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind(), Kind::unsupported);
        EXPECT_FALSE(sys::exists(temp / "volumes/limited"));
        EXPECT_FALSE(made("free", {{"size", "1m"}}));
        EXPECT_TRUE(sys::exists(temp / "volumes/free/_data")) << "it was there before";
    });
}

TEST(SizeLimit, OfVolumesStandsAlone) {
    EXPECT_TRUE(check_volume_options({{"size", "10m"}}));
    EXPECT_EQ(size_limit_of({.options = {{"size", "10m"}}}), 10U << 20U);
    EXPECT_EQ(size_limit_of({}), 0U);
    for (const auto* size : {"", "0", "big", "-1"}) EXPECT_FALSE(check_volume_options({{"size", size}})) << size;
    const auto mounted = check_volume_options({{"type", "tmpfs"}, {"device", "tmpfs"}, {"size", "10m"}});
    ASSERT_FALSE(mounted);
    EXPECT_THAT(mounted.error().what(), HasSubstr("o=size=10m"));
}

}  // namespace
}  // namespace diatom::engine
