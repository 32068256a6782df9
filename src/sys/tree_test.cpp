#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "sys/file.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

using test::TempDir;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST(MakeDirs, MakesParentsOnce) {
    const TempDir temp;
    EXPECT_TRUE(make_dirs(temp / "a/b/c"));
    EXPECT_TRUE(make_dirs(temp / "a/b/c"));
    EXPECT_TRUE(make_dirs(temp / "a/b/d/"));
    EXPECT_TRUE(make_dirs(temp / "a//e"));
    EXPECT_TRUE(make_dirs("/"));
    EXPECT_THAT(list_dir(temp / "a").value(), UnorderedElementsAre("b", "e"));
    ASSERT_TRUE(write_file(temp / "file", ""));
    EXPECT_EQ(make_dirs(temp / "file").error().kind(), Kind::conflict);
    EXPECT_FALSE(make_dirs(temp / "file/x"));
}

TEST(ListDir, GivesNamesWithoutDots) {
    const TempDir temp;
    for (const auto* name : {"a", ".hidden", "b c"}) ASSERT_TRUE(write_file(temp / name, ""));
    EXPECT_THAT(list_dir(temp.path()).value(), UnorderedElementsAre("a", ".hidden", "b c"));
    EXPECT_EQ(list_dir(temp / "missing").error().kind(), Kind::not_found);
    const auto dir = open_path(temp.path(), O_RDONLY | O_DIRECTORY).value();
    EXPECT_EQ(list_dir_fd(dir)->size(), 3U);
    EXPECT_EQ(list_dir_fd(dir)->size(), 3U) << "the offset of the caller's descriptor is not used";
}

TEST(RemoveTree, RemovesFilesOfEveryType) {
    const TempDir temp;
    ASSERT_TRUE(make_dirs(temp / "t/a/b"));
    ASSERT_TRUE(make_dirs(temp / "t/c"));
    ASSERT_TRUE(write_file(temp / "t/a/b/file", "x"));
    ASSERT_EQ(::mkfifo((temp / "t/a/pipe").c_str(), 0600), 0);
    ASSERT_EQ(::symlink("nowhere", (temp / "t/dangling").c_str()), 0);
    EXPECT_TRUE(remove_tree(temp / "t/"));
    EXPECT_FALSE(exists(temp / "t"));
    EXPECT_TRUE(remove_tree(temp / "t")) << "a missing path is no error";
    EXPECT_TRUE(remove_tree(temp / "no/such/parent"));
}

TEST(RemoveTree, RemovesASingleFile) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / "file", "x"));
    EXPECT_TRUE(remove_tree(temp / "file"));
    EXPECT_FALSE(exists(temp / "file"));
}

TEST(RemoveTree, DoesNotFollowLinks) {
    const TempDir temp;
    ASSERT_TRUE(make_dirs(temp / "kept"));
    ASSERT_TRUE(write_file(temp / "kept/file", "x"));
    ASSERT_TRUE(make_dirs(temp / "t"));
    ASSERT_EQ(::symlink("../kept", (temp / "t/link").c_str()), 0);
    ASSERT_EQ(::symlink("kept", (temp / "top").c_str()), 0);
    EXPECT_TRUE(remove_tree(temp / "t"));
    EXPECT_TRUE(remove_tree(temp / "top"));
    EXPECT_EQ(read_file(temp / "kept/file").value(), "x");
}

TEST(RemoveTree, DoesNotCrossMounts) {
    test::in_mount_namespace([] {
        const TempDir temp;
        ASSERT_TRUE(make_dirs(temp / "kept"));
        ASSERT_TRUE(write_file(temp / "kept/file", "x"));
        ASSERT_TRUE(make_dirs(temp / "t/bound"));
        ASSERT_TRUE(make_dirs(temp / "t/other"));
        // A bind mount has the same device number as its surroundings.
        ASSERT_EQ(::mount((temp / "kept").c_str(), (temp / "t/bound").c_str(), nullptr, MS_BIND, nullptr), 0);
        const auto refused = remove_tree(temp / "t");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind(), Kind::conflict);
        EXPECT_THAT(refused.error().what(), HasSubstr("bound is a mount point"));
        EXPECT_EQ(read_file(temp / "kept/file").value(), "x");
        EXPECT_FALSE(remove_tree(temp / "t/bound")) << "nor into one that is named";
        EXPECT_EQ(read_file(temp / "kept/file").value(), "x");
        ASSERT_EQ(::umount((temp / "t/bound").c_str()), 0);
        EXPECT_TRUE(remove_tree(temp / "t"));
    });
}

TEST(TreeSize, AddsUpTheFilesOfTheTreeOnly) {
    test::in_mount_namespace([] {
        const TempDir temp;
        ASSERT_TRUE(make_dirs(temp / "t/a/b"));
        ASSERT_TRUE(make_dirs(temp / "t/bound"));
        ASSERT_TRUE(make_dirs(temp / "outside"));
        ASSERT_TRUE(write_file(temp / "outside/file", "outside"));
        ASSERT_TRUE(write_file(temp / "t/one", "1"));
        ASSERT_TRUE(write_file(temp / "t/a/b/four", "1234"));
        ASSERT_EQ(::symlink("../outside", (temp / "t/directory").c_str()), 0);
        ASSERT_EQ(::symlink("../outside/file", (temp / "t/file").c_str()), 0);
        ASSERT_EQ(::mkfifo((temp / "t/pipe").c_str(), 0600), 0);
        ASSERT_EQ(::mount((temp / "outside").c_str(), (temp / "t/bound").c_str(), nullptr, MS_BIND, nullptr), 0);
        EXPECT_EQ(tree_size(temp / "t").value(), 5U);
        EXPECT_EQ(tree_size(temp / "missing").error().kind(), Kind::not_found);
        ASSERT_EQ(::umount((temp / "t/bound").c_str()), 0);
    });
}

TEST(Trees, DepthIsNotBoundedByDescriptorsOrStack) {
    constexpr int kDepth = 5000;
    const TempDir temp;
    ASSERT_TRUE(make_dirs(temp / "t"));
    Fd dir = open_path(temp / "t", O_RDONLY | O_DIRECTORY).value();
    for (int i = 0; i < kDepth; ++i) {
        ASSERT_EQ(::mkdirat(dir.raw(), "d", 0755), 0);
        auto next = open_at(dir, "d", O_RDONLY | O_DIRECTORY);
        dir = std::move(next).value();
    }
    const auto file = open_at(dir, "deepest", O_WRONLY | O_CREAT, 0600).value();
    ASSERT_TRUE(write_all(file, "deep"));
    dir.reset();
    EXPECT_EQ(tree_size(temp / "t").value(), 4U);
    EXPECT_TRUE(remove_tree(temp / "t"));
    EXPECT_FALSE(exists(temp / "t"));
}

TEST(RemoveTree, AtTakesANameInADirectory) {
    const TempDir temp;
    ASSERT_TRUE(make_dirs(temp / "a/b"));
    const auto dir = open_path(temp.path(), O_PATH | O_DIRECTORY).value();
    EXPECT_TRUE(remove_tree_at(dir, "a"));
    EXPECT_FALSE(exists(temp / "a"));
    EXPECT_TRUE(remove_tree_at(dir, "a"));
}

TEST(RemoveTree, TheRootIsRefused) { EXPECT_EQ(remove_tree("/").error().kind(), Kind::invalid); }

}  // namespace
}  // namespace diatom::sys
