#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/fd_leak.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

using test::TempDir;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(OpenAt, IsCloseOnExec) {
    const auto fd = open_path("/dev/null", O_RDONLY).value();
    EXPECT_EQ(::fcntl(fd.raw(), F_GETFD), FD_CLOEXEC);
}

TEST(OpenAt, ErrorNamesThePath) {
    const auto missing = open_path("/nowhere/at/all", O_RDONLY);
    EXPECT_EQ(missing.error().kind(), Kind::not_found);
    EXPECT_EQ(missing.error().error_number(), ENOENT);
    EXPECT_THAT(missing.error().what(), HasSubstr("/nowhere/at/all"));
}

class OpenInRoot : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(make_dirs(temp_ / "root/etc"));
        ASSERT_TRUE(write_file(temp_ / "root/etc/passwd", "inside"));
        ASSERT_TRUE(write_file(temp_ / "secret", "outside"));
        root_ = open_path(temp_ / "root", O_PATH | O_DIRECTORY).value();
    }
    void link(const std::string& target, const std::string& name) {
        ASSERT_EQ(::symlinkat(target.c_str(), root_.raw(), name.c_str()), 0);
    }
    std::string contents(const std::string& path) {
        auto fd = open_in_root(root_, path, O_RDONLY);
        return fd ? read_all(*fd).value() : fd.error().what();
    }
    TempDir temp_;
    Fd root_;
};

TEST_F(OpenInRoot, AbsoluteAndRelativeAreTheSame) {
    EXPECT_EQ(contents("etc/passwd"), "inside");
    EXPECT_EQ(contents("/etc/passwd"), "inside");
    EXPECT_EQ(contents("//etc/./passwd"), "inside");
}

TEST_F(OpenInRoot, DotDotStopsAtTheRoot) {
    EXPECT_EQ(contents("../secret"), "open ../secret in its root: No such file or directory");
    EXPECT_EQ(contents("../../../../etc/passwd"), "inside");
    EXPECT_EQ(contents("etc/../../../etc/passwd"), "inside");
}

TEST_F(OpenInRoot, LinksResolveInTheRoot) {
    link("/etc/passwd", "absolute");
    link("../../../../etc/passwd", "etc/climber");
    link("/etc", "directory");
    link(temp_ / "secret", "escape");
    link("../secret", "up");
    EXPECT_EQ(contents("absolute"), "inside");
    EXPECT_EQ(contents("etc/climber"), "inside");
    EXPECT_EQ(contents("directory/passwd"), "inside");
    EXPECT_THAT(contents("escape"), HasSubstr("No such file"));
    EXPECT_THAT(contents("up"), HasSubstr("No such file"));
}

TEST_F(OpenInRoot, MagicLinksAreRefused) {
    const auto proc = open_path("/proc", O_PATH | O_DIRECTORY).value();
    const auto through = open_in_root(proc, "self/root/etc", O_RDONLY);
    ASSERT_FALSE(through);
    EXPECT_EQ(through.error().error_number(), ELOOP);
}

TEST_F(OpenInRoot, CreatesWithMode) {
    const ::mode_t before = ::umask(0);
    EXPECT_TRUE(open_in_root(root_, "/new", O_WRONLY | O_CREAT, 0640));
    ::umask(before);
    EXPECT_EQ(stat_path(temp_ / "root/new")->st_mode & 07777, 0640U);
    EXPECT_TRUE(open_in_root(root_, "new", O_RDONLY, 0640)) << "a mode without O_CREAT is no error";
}

TEST_F(OpenInRoot, EmptyPathIsTheRoot) {
    const auto top = open_in_root(root_, "", O_RDONLY | O_DIRECTORY).value();
    EXPECT_THAT(list_dir_fd(top).value(), testing::UnorderedElementsAre("etc"));
}

TEST_F(OpenInRoot, MakeDirsStaysInside) {
    link("/", "top");
    link("/nowhere", "dangling");
    EXPECT_TRUE(make_dirs_in_root(root_, "a/b/../c"));
    EXPECT_TRUE(exists(temp_ / "root/a/b"));
    EXPECT_TRUE(exists(temp_ / "root/a/c"));
    EXPECT_TRUE(make_dirs_in_root(root_, "/top/../../d"));
    EXPECT_TRUE(exists(temp_ / "root/d"));
    EXPECT_FALSE(exists(temp_ / "d"));
    EXPECT_FALSE(make_dirs_in_root(root_, "dangling/x"));
    EXPECT_FALSE(make_dirs_in_root(root_, "etc/passwd/x"));
    EXPECT_TRUE(make_dirs_in_root(root_, "/"));
}

TEST(ReadFile, LimitIsExact) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / "f", "12345678"));
    EXPECT_EQ(read_file(temp / "f", 8).value(), "12345678");
    const auto longer = read_file(temp / "f", 7);
    EXPECT_EQ(longer.error().kind(), Kind::exhausted);
    EXPECT_THAT(longer.error().what(), HasSubstr(temp / "f"));
}

TEST(ReadFile, SizesOfProcLie) {
    EXPECT_THAT(read_file("/proc/self/status").value(), HasSubstr("VmPeak"));
    EXPECT_EQ(read_file("/dev/zero", 1000).error().kind(), Kind::exhausted);
}

TEST(ReadFile, LongFilesComeWhole) {
    const TempDir temp;
    std::string bytes;
    for (int i = 0; bytes.size() < 300'000; ++i) bytes += std::to_string(i);
    ASSERT_TRUE(write_file(temp / "f", bytes));
    EXPECT_EQ(read_file(temp / "f").value(), bytes);
}

TEST(WriteControl, NeedsAnExistingFile) {
    const TempDir temp;
    EXPECT_EQ(write_control(temp / "missing", "1").error().error_number(), ENOENT);
    EXPECT_THAT(write_control("/proc/self/oom_score_adj", "elephant\n").error().what(), HasSubstr("\"elephant\""));
}

TEST(WriteFileAtomic, ReplacesAndSetsTheMode) {
    const TempDir temp;
    ASSERT_TRUE(write_file_atomic(temp / "f", "old", 0600));
    ASSERT_TRUE(write_file_atomic(temp / "f", "new", 0644));
    EXPECT_EQ(read_file(temp / "f").value(), "new");
    EXPECT_EQ(stat_path(temp / "f")->st_mode & 07777, 0644U);
    EXPECT_THAT(list_dir(temp.path()).value(), testing::ElementsAre("f"));
}

TEST(ReplaceFile, LeavesNothingElseBehind) {
    const TempDir temp;
    ASSERT_TRUE(replace_file(temp / "f", "old", 0600));
    ASSERT_TRUE(replace_file(temp / "f", "new", 0600));
    EXPECT_EQ(read_file(temp / "f").value(), "new");
    EXPECT_EQ(list_dir(temp / "").value().size(), 1U);
    EXPECT_FALSE(replace_file(temp / "none/f", "x"));
}

TEST(WriteFileAtomic, ReusesWhatAPowerCutLeft) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / ".f.new", "a longer file that was cut off in the middle"));
    ASSERT_TRUE(write_file_atomic(temp / "f", "new"));
    EXPECT_EQ(read_file(temp / "f").value(), "new");
    EXPECT_THAT(list_dir(temp.path()).value(), testing::ElementsAre("f"));
}

TEST(WriteFileAtomic, FailureKeepsTheOldContents) {
    test::in_mount_namespace([] {
        const TempDir temp;
        ASSERT_EQ(::mount("tmpfs", temp.path().c_str(), "tmpfs", 0, "size=64k"), 0);
        ASSERT_TRUE(write_file_atomic(temp / "f", "old"));
        const auto full = write_file_atomic(temp / "f", std::string(200'000, 'x'));
        ASSERT_FALSE(full);
        EXPECT_EQ(full.error().error_number(), ENOSPC);
        EXPECT_EQ(read_file(temp / "f").value(), "old");
        EXPECT_THAT(list_dir(temp.path()).value(), testing::ElementsAre("f")) << "no half file stays";
        EXPECT_EQ(::umount(temp.path().c_str()), 0);
    });
}

TEST(WriteFileAtomic, DoesNotWriteThroughALink) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / "victim", "kept"));
    ASSERT_EQ(::symlink("victim", (temp / ".f.new").c_str()), 0);
    EXPECT_FALSE(write_file_atomic(temp / "f", "new"));
    EXPECT_EQ(read_file(temp / "victim").value(), "kept");
}

TEST(FreeSpace, IsPlausible) {
    const auto space = free_space("/").value();
    EXPECT_GT(space.total, 0U);
    EXPECT_LE(space.free, space.total);
}

TEST(MemoryFile, SealedCannotChange) {
    const auto fd = memory_file("test", "bytes", true).value();
    EXPECT_EQ(read_all(fd).value(), "bytes");
    EXPECT_FALSE(write_all(fd, "more"));
    EXPECT_LT(::ftruncate(fd.raw(), 0), 0);
    const auto open = memory_file("test", "bytes", false).value();
    EXPECT_TRUE(write_all(open, "more"));
}

TEST(MemoryFile, CopiesAFileAndSeals) {
    const TempDir temp;
    const std::string bytes(300'000, 'x');
    ASSERT_TRUE(write_file(temp / "source", bytes));
    const auto fd = memory_copy("test", open_path(temp / "source", O_RDONLY | O_CLOEXEC).value()).value();
    EXPECT_EQ(read_all(fd).value(), bytes);
    EXPECT_FALSE(write_all(fd, "more"));
    EXPECT_FALSE(memory_copy("test", open_path(temp / "", O_RDONLY | O_CLOEXEC).value()));
}

TEST(Paths, ExistsLinkRenameRemove) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / "a", ""));
    ASSERT_EQ(::symlink("a", (temp / "link").c_str()), 0);
    EXPECT_EQ(read_link(temp / "link").value(), "a");
    EXPECT_FALSE(read_link(temp / "a"));
    ASSERT_TRUE(rename_path(temp / "a", temp / "b"));
    EXPECT_TRUE(exists(temp / "b"));
    EXPECT_FALSE(exists(temp / "a"));
    EXPECT_TRUE(remove_file(temp / "b"));
    EXPECT_TRUE(remove_file(temp / "b")) << "a missing file is no error";
    EXPECT_FALSE(rename_path(temp / "b", temp / "c"));
}

TEST(CountOpenFds, CountsOneMore) {
    const auto before = count_open_fds().value();
    const auto fd = open_path("/dev/null", O_RDONLY).value();
    EXPECT_EQ(count_open_fds().value(), before + 1);
}

}  // namespace
}  // namespace diatom::sys
