#include "sys/mount.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>

#include "sys/file.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

using test::TempDir;
using testing::HasSubstr;

// Each case gets a mount namespace of its own and a directory in it.
void with_directory(const std::function<void(const TempDir&)>& body) {
    test::in_mount_namespace([&] {
        const TempDir temp;
        body(temp);
    });
}

TEST(Mount, NewFileSystemIsDetachedUntilAttached) {
    with_directory([](const TempDir& temp) {
        ASSERT_TRUE(make_dirs(temp / "m"));
        auto mount = make_mount("tmpfs", {{"size", "1m"}, {"mode", "0700"}}, MOUNT_ATTR_NODEV);
        ASSERT_TRUE(mount) << mount.error().what();
        EXPECT_FALSE(is_mount_point(temp / "m"));
        const auto inside = open_at(*mount, "file", O_CREAT | O_WRONLY, 0600);
        EXPECT_TRUE(inside) << "usable while detached";
        ASSERT_TRUE(attach_mount(*mount, temp / "m"));
        EXPECT_TRUE(is_mount_point(temp / "m"));
        EXPECT_TRUE(exists(temp / "m/file"));
        EXPECT_EQ(stat_path(temp / "m")->st_mode & 07777, 0700U);
        EXPECT_TRUE(unmount(temp / "m", MNT_DETACH));
        EXPECT_FALSE(is_mount_point(temp / "m"));
    });
}

TEST(Mount, ErrorCarriesTheFileSystemsMessage) {
    with_directory([](const TempDir&) {
        const auto bad = make_mount("tmpfs", {{"size", "elephant"}});
        ASSERT_FALSE(bad);
        EXPECT_THAT(bad.error().what(), HasSubstr("size"));
        EXPECT_THAT(bad.error().what(), HasSubstr("Bad value"));
        EXPECT_THAT(make_mount("tmpfs", {{"elephant", "1"}}).error().what(), HasSubstr("Unknown parameter"));
    });
}

TEST(Mount, UnknownFileSystemIsUnsupported) {
    with_directory([](const TempDir& temp) {
        const auto bad = mount_fs("no-such-fs", temp.path());
        EXPECT_EQ(bad.error().kind(), Kind::unsupported);
        EXPECT_THAT(bad.error().what(), HasSubstr("no-such-fs"));
    });
}

TEST(Mount, LongOptionIsRefusedByName) {
    with_directory([](const TempDir&) {
        const auto bad = make_mount("tmpfs", {{"size", std::string(300, '1')}});
        EXPECT_EQ(bad.error().kind(), Kind::invalid);
        EXPECT_THAT(bad.error().what(), HasSubstr("\"size\""));
    });
}

TEST(Mount, BindReadOnlyIsRecursive) {
    with_directory([](const TempDir& temp) {
        ASSERT_TRUE(make_dirs(temp / "a/sub"));
        ASSERT_TRUE(make_dirs(temp / "b"));
        ASSERT_TRUE(mount_fs("tmpfs", temp / "a/sub"));
        ASSERT_TRUE(bind_mount(temp / "a", temp / "b", true, MOUNT_ATTR_RDONLY));
        EXPECT_EQ(write_file(temp / "b/f", "").error().error_number(), EROFS);
        EXPECT_EQ(write_file(temp / "b/sub/f", "").error().error_number(), EROFS);
        EXPECT_TRUE(write_file(temp / "a/sub/f", "")) << "the source stays writable";
        EXPECT_TRUE(unmount(temp / "b", MNT_DETACH));
        EXPECT_TRUE(unmount(temp / "a/sub"));
    });
}

TEST(Mount, BindNotRecursiveLeavesSubmountsOut) {
    with_directory([](const TempDir& temp) {
        ASSERT_TRUE(make_dirs(temp / "a/sub"));
        ASSERT_TRUE(make_dirs(temp / "b"));
        ASSERT_TRUE(mount_fs("tmpfs", temp / "a/sub"));
        ASSERT_TRUE(write_file(temp / "a/sub/f", ""));
        ASSERT_TRUE(bind_mount(temp / "a", temp / "b", false));
        EXPECT_FALSE(exists(temp / "b/sub/f"));
        EXPECT_TRUE(unmount(temp / "b"));
        EXPECT_TRUE(unmount(temp / "a/sub"));
    });
}

TEST(Mount, AFileCanBeATarget) {
    with_directory([](const TempDir& temp) {
        ASSERT_TRUE(write_file(temp / "a", "from a"));
        ASSERT_TRUE(write_file(temp / "b", "from b"));
        ASSERT_TRUE(bind_mount(temp / "a", temp / "b", false));
        EXPECT_EQ(read_file(temp / "b").value(), "from a");
        EXPECT_TRUE(unmount(temp / "b"));
    });
}

TEST(Mount, AttributesChangeAndAccessTimesAreAField) {
    with_directory([](const TempDir& temp) {
        auto mount = make_mount("tmpfs", {}, MOUNT_ATTR_NOATIME);
        ASSERT_TRUE(mount);
        ASSERT_TRUE(attach_mount(*mount, temp.path()));
        EXPECT_TRUE(change_mount(*mount, {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_STRICTATIME}));
        EXPECT_FALSE(write_file(temp / "f", ""));
        EXPECT_TRUE(change_mount(*mount, {.clear = MOUNT_ATTR_RDONLY}));
        EXPECT_TRUE(write_file(temp / "f", ""));
        EXPECT_TRUE(unmount(temp.path(), MNT_DETACH));
    });
}

TEST(Mount, PropagationIsSet) {
    with_directory([](const TempDir& temp) {
        const auto shared = [&] {
            const std::string text = read_file("/proc/self/mountinfo").value();
            const auto at = text.find(temp.path());
            return text.substr(at, text.find('\n', at) - at).contains("shared:");
        };
        ASSERT_TRUE(mount_fs("tmpfs", temp.path()));
        ASSERT_TRUE(set_propagation(temp.path(), MS_SHARED, false));
        EXPECT_TRUE(shared());
        ASSERT_TRUE(set_propagation(temp.path(), MS_PRIVATE, true));
        EXPECT_FALSE(shared());
        EXPECT_TRUE(unmount(temp.path()));
    });
}

TEST(Mount, ListNamesTargetsWithSpaces) {
    with_directory([](const TempDir& temp) {
        const std::string target = temp / "a b\\c";
        ASSERT_TRUE(make_dirs(target));
        ASSERT_TRUE(mount_fs("tmpfs", target, {{"source", "my source"}}));
        const auto mounts = list_mounts().value();
        const auto found = std::ranges::find(mounts, target, &MountPoint::target);
        ASSERT_NE(found, mounts.end());
        EXPECT_EQ(found->type, "tmpfs");
        EXPECT_EQ(found->source, "my source");
        EXPECT_TRUE(unmount(target));
    });
}

TEST(Mount, UnmountDoesNotFollowLinks) {
    with_directory([](const TempDir& temp) {
        ASSERT_TRUE(make_dirs(temp / "m"));
        ASSERT_TRUE(mount_fs("tmpfs", temp / "m"));
        ASSERT_EQ(::symlink("m", (temp / "link").c_str()), 0);
        EXPECT_FALSE(unmount(temp / "link"));
        EXPECT_TRUE(is_mount_point(temp / "m"));
        EXPECT_FALSE(is_mount_point(temp / "link"));
        EXPECT_TRUE(unmount(temp / "m"));
    });
}

TEST(Mount, PathsThatAreNoMountPoints) {
    const TempDir temp;
    EXPECT_TRUE(is_mount_point("/proc"));
    EXPECT_FALSE(is_mount_point(temp.path()));
    EXPECT_FALSE(is_mount_point("/nowhere"));
}

}  // namespace
}  // namespace diatom::sys
