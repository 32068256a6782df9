#include "init/gpt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "init/state.h"
#include "sys/file.h"

namespace diatom::init {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

// Disks made and judged by the real partitioning programs.
class Gpt : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/diatom-gpt-XXXXXX";
        ::close(::mkstemp(name));
        path_ = name;
        resize(64 * kMiB);
        run({"/usr/sbin/sgdisk", "-n1:2048:+8M", "-c1:esp", "-n2:0:0", "-c2:DIATOM_STATE", path_});
    }
    void TearDown() override { std::ignore = sys::remove_file(path_); }
    void resize(std::uint64_t bytes) {
        bytes_ = bytes;
        ASSERT_EQ(::truncate(path_.c_str(), static_cast<off_t>(bytes)), 0);
    }
    std::string run(std::vector<std::string> argv) {
        auto output = StateTools::real().run(std::move(argv), 60'000);
        EXPECT_TRUE(output) << output.error().what();
        EXPECT_EQ(output->status.shell_code(), 0) << output->out;
        return output->out;
    }
    Result<std::optional<PartitionSpan>> grow(std::uint64_t first = 2048 + 8 * 2048) {
        const auto fd = sys::open_path(path_, O_RDWR);
        return grow_last_partition(*fd, {bytes_, 512}, first);
    }
    void expect_valid() {
        EXPECT_THAT(run({"/usr/sbin/sgdisk", "-v", path_}), testing::HasSubstr("No problems found"));
    }
    std::string path_;
    std::uint64_t bytes_ = 0;
};

TEST_F(Gpt, GrowsTheLastPartitionTwiceAndStaysValid) {
    EXPECT_FALSE(*grow());
    for (const std::uint64_t size : {256 * kMiB, 512 * kMiB, 1024 * kMiB}) {
        resize(size);
        const auto span = grow();
        ASSERT_TRUE(span) << span.error().what();
        ASSERT_TRUE(*span);
        EXPECT_EQ((*span)->number, 2U);
        EXPECT_EQ((*span)->last_lba, (size - kMiB) / 512 - 1);
        expect_valid();
        EXPECT_FALSE(*grow());
    }
    EXPECT_THAT(run({"/usr/sbin/sgdisk", "-i2", path_}), testing::HasSubstr("DIATOM_STATE"));
}

TEST_F(Gpt, OnlyTheLastPartitionGrows) {
    resize(256 * kMiB);
    EXPECT_FALSE(*grow(2048));
    EXPECT_FALSE(*grow(12345));
}

TEST_F(Gpt, ADamagedTableIsLeftAlone) {
    resize(256 * kMiB);
    auto fd = sys::open_path(path_, O_RDWR);
    ASSERT_EQ(::pwrite(fd->raw(), "x", 1, 2 * 512 + 100), 1);
    EXPECT_EQ(grow().error().kind(), Kind::corrupt);
    ASSERT_EQ(::pwrite(fd->raw(), "x", 1, 512 + 60), 1);
    EXPECT_EQ(grow().error().kind(), Kind::corrupt);
    ASSERT_EQ(::pwrite(fd->raw(), "x", 1, 512), 1);
    EXPECT_EQ(grow().error().kind(), Kind::corrupt);
}

TEST_F(Gpt, APowerCutAtAnyWriteLeavesAValidPrimaryTable) {
    // What is written before the primary header does not touch what that header points to.
    resize(256 * kMiB);
    const auto before = *sys::read_file(path_, 512 * kMiB);
    ASSERT_TRUE(*grow());
    const auto after = *sys::read_file(path_, 512 * kMiB);
    EXPECT_EQ(before.substr(2 * 512, 32 * 512), after.substr(2 * 512, 32 * 512));
}

}  // namespace
}  // namespace diatom::init
