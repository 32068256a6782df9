#include "sys/tree_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <format>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

using test::TempDir;

struct TreeCopy : testing::Test {
    void SetUp() override {
        ASSERT_TRUE(make_dirs(temp / "from"));
        ASSERT_TRUE(make_dirs(temp / "to"));
    }
    Result<void> copy(Attributes attributes = Attributes::all) const {
        const auto from = open_path(temp / "from", O_RDONLY | O_DIRECTORY).value();
        const auto to = open_path(temp / "to", O_RDONLY | O_DIRECTORY).value();
        return copy_tree(from, to, attributes);
    }
    struct stat about(const std::string& path) const {
        struct stat status{};
        EXPECT_EQ(::lstat((temp / path).c_str(), &status), 0) << path;
        return status;
    }
    std::string attribute(const std::string& path, const char* name) const {
        std::string value(70'000, '\0');
        const auto size = ::lgetxattr((temp / path).c_str(), name, value.data(), value.size());
        return size < 0 ? "(none)" : value.substr(0, static_cast<std::size_t>(size));
    }
    TempDir temp;
};

TEST_F(TreeCopy, HolesStayHoles) {
    constexpr off_t kSize = 64 << 20;
    {
        const auto file = open_path(temp / "from/sparse", O_RDWR | O_CREAT, 0600).value();
        ASSERT_EQ(::ftruncate(file.raw(), kSize), 0);
        ASSERT_EQ(::pwrite(file.raw(), "begin", 5, 0), 5);
        ASSERT_EQ(::pwrite(file.raw(), "middle", 6, kSize / 2), 6);
    }
    ASSERT_TRUE(write_file(temp / "from/empty", ""));
    const auto done = copy();
    ASSERT_TRUE(done) << done.error().what();
    EXPECT_EQ(about("to/sparse").st_size, kSize);
    EXPECT_LT(about("to/sparse").st_blocks * 512, 1 << 20);
    EXPECT_EQ(read_file(temp / "to/sparse", 128 << 20).value(), read_file(temp / "from/sparse", 128 << 20).value());
    EXPECT_EQ(about("to/empty").st_size, 0);
}

TEST_F(TreeCopy, OwnersModesTimesAndNodesAreKept) {
    ASSERT_TRUE(make_dirs(temp / "from/d"));
    ASSERT_TRUE(write_file(temp / "from/d/file", "x", 0600));
    ASSERT_EQ(::chown((temp / "from/d/file").c_str(), 1234, 4321), 0);
    ASSERT_EQ(::chmod((temp / "from/d/file").c_str(), 04751), 0);
    ASSERT_EQ(::symlink("file", (temp / "from/d/link").c_str()), 0);
    ASSERT_EQ(::lchown((temp / "from/d/link").c_str(), 7, 8), 0);
    ASSERT_EQ(::mkfifo((temp / "from/pipe").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((temp / "from/pipe").c_str(), 0666), 0);
    const std::array<timespec, 2> times = {timespec{.tv_sec = 1000, .tv_nsec = 1},
                                           timespec{.tv_sec = 2000, .tv_nsec = 2}};
    for (const auto* name : {"from/d/file", "from/d/link", "from/d"})
        ASSERT_EQ(::utimensat(AT_FDCWD, (temp / name).c_str(), times.data(), AT_SYMLINK_NOFOLLOW), 0);
    ASSERT_TRUE(copy());
    EXPECT_EQ(about("to/d/file").st_uid, 1234U);
    EXPECT_EQ(about("to/d/file").st_gid, 4321U);
    EXPECT_EQ(about("to/d/file").st_mode & 07777U, 04751U);
    EXPECT_EQ(about("to/d/link").st_gid, 8U);
    EXPECT_EQ(read_link(temp / "to/d/link").value(), "file");
    EXPECT_EQ(about("to/pipe").st_mode, S_IFIFO | 0666U);
    for (const auto* name : {"to/d/file", "to/d/link", "to/d"}) EXPECT_EQ(about(name).st_mtim.tv_sec, 2000) << name;
}

TEST_F(TreeCopy, AttributesOfEverySizeAreKept) {
    const std::string large(3000, 'l');
    ASSERT_TRUE(write_file(temp / "from/file", "x"));
    for (const auto* path : {"from/file", "from"}) {
        const auto there = temp / path;
        if (::setxattr(there.c_str(), "trusted.small", "s", 1, 0) != 0) GTEST_SKIP() << "no attributes here";
        ASSERT_EQ(::setxattr(there.c_str(), "trusted.large", large.data(), large.size(), 0), 0);
        ASSERT_EQ(::setxattr(there.c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
    }
    ASSERT_TRUE(copy());
    for (const auto* path : {"to/file", "to"}) {
        EXPECT_EQ(attribute(path, "trusted.small"), "s");
        EXPECT_EQ(attribute(path, "trusted.large"), large);
        EXPECT_EQ(attribute(path, "trusted.overlay.opaque"), "y");
    }
    ASSERT_TRUE(remove_tree(temp / "to"));
    ASSERT_TRUE(make_dirs(temp / "to"));
    ASSERT_TRUE(copy(Attributes::as_taken));
    EXPECT_EQ(attribute("to/file", "trusted.large"), large);
    EXPECT_EQ(attribute("to/file", "trusted.overlay.opaque"), "(none)");
}

TEST_F(TreeCopy, LinkedFilesStayTogetherHoweverManyThereAre) {
    constexpr int kFiles = 3000;  // more than a process may have open
    ASSERT_TRUE(make_dirs(temp / "from/a/b"));
    for (int i = 0; i < kFiles; ++i) {
        const auto first = temp / std::format("from/a/b/{}", i), second = temp / std::format("from/{}", i);
        ASSERT_TRUE(write_file(first, std::to_string(i)));
        ASSERT_EQ(::link(first.c_str(), second.c_str()), 0);
    }
    const auto done = copy();
    ASSERT_TRUE(done) << done.error().what();
    for (const int i : {0, 1, kFiles - 1}) {
        EXPECT_EQ(about(std::format("to/a/b/{}", i)).st_ino, about(std::format("to/{}", i)).st_ino);
        EXPECT_EQ(read_file(temp / std::format("to/{}", i)).value(), std::to_string(i));
    }
}

}  // namespace
}  // namespace diatom::sys
