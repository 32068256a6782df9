#include "image/incoming_blob.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "image/testing/archives.h"
#include "sys/file.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::image {
namespace {

class IncomingBlobTest : public ::testing::Test {
protected:
    std::shared_ptr<IncomingBlob> open() {
        auto blob = IncomingBlob::open(descriptor_, partial(), target());
        EXPECT_TRUE(blob) << blob.error().what();
        return std::move(*blob);
    }
    std::string partial() const { return directory_ / "x.part"; }
    std::string target() const { return directory_ / "blob"; }
    std::string_view part(std::size_t begin, std::size_t end) const {
        return std::string_view(bytes_).substr(begin, end - begin);
    }

    test::TempDir directory_;
    std::string bytes_ = std::string(6000, 'a') + std::string(4000, 'b');
    Descriptor descriptor_{.digest = Digest::of(bytes_), .size = bytes_.size()};
};

TEST_F(IncomingBlobTest, TakesRangesInAnyOrder) {
    const auto blob = open();
    ASSERT_TRUE(blob->write(7000, part(7000, 10'000)));
    ASSERT_TRUE(blob->write(0, part(0, 3000)));
    EXPECT_EQ(blob->present().first_gap(10'000), (ByteRange{3000, 7000}));
    EXPECT_EQ(blob->write(9000, part(0, 1001)).error().kind(), Kind::corrupt);
    ASSERT_TRUE(blob->write(3000, part(3000, 7000)));
    ASSERT_TRUE(IncomingBlob::commit(blob));
    EXPECT_EQ(*sys::read_file(target()), bytes_);
    EXPECT_FALSE(sys::exists(partial()));
}

TEST_F(IncomingBlobTest, IsReadWhileItComes) {
    const auto blob = open();
    ASSERT_TRUE(blob->write(5000, part(5000, 10'000)));
    const auto source = IncomingBlob::reader(blob);
    Result<std::string> read;
    std::thread reader([&] { read = testing::read_whole(*source); });
    ASSERT_TRUE(blob->write(0, part(0, 5000)));
    reader.join();
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, bytes_);
}

TEST_F(IncomingBlobTest, ReadersHearWhyNothingComes) {
    const auto blob = open();
    ASSERT_TRUE(blob->write(0, part(0, 100)));
    const auto source = IncomingBlob::reader(blob);
    Result<std::string> read;
    std::thread reader([&] { read = testing::read_whole(*source); });
    EXPECT_TRUE(blob->stop(Error(Kind::unavailable, "the cable broke")));
    EXPECT_FALSE(blob->stop(Error(Kind::cancelled, "second")));
    reader.join();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().what(), "the cable broke");
    EXPECT_EQ(blob->write(100, part(100, 200)).error().what(), "the cable broke");
    const auto other = IncomingBlob::reader(blob);
    other->interrupt();
    std::vector<std::uint8_t> buffer(10);
    EXPECT_EQ(other->read(buffer).error().kind(), Kind::cancelled);
}

TEST_F(IncomingBlobTest, GoesOnFromItsJournal) {
    {
        const auto blob = open();
        for (std::size_t i = 0; i < 10; i += 2) ASSERT_TRUE(blob->write(i * 1000, part(i * 1000, i * 1000 + 1000)));
        EXPECT_EQ(IncomingBlob::open(descriptor_, partial(), target()).error().kind(), Kind::conflict);
    }
    {
        const auto blob = open();
        EXPECT_EQ(blob->inherited(), 5000U);
        EXPECT_EQ(blob->present().first_gap(10'000), (ByteRange{1000, 2000}));
        ASSERT_TRUE(blob->write(1000, part(1000, 4000)));
    }
    const auto size = sys::stat_path(partial())->st_size;
    const auto blob = open();
    EXPECT_EQ(blob->present().first_gap(10'000), (ByteRange{5000, 6000}));
    EXPECT_LT(sys::stat_path(partial())->st_size, size);  // the journal is shorter where ranges met
    ASSERT_TRUE(blob->write(5000, part(5000, 6000)));
    ASSERT_TRUE(blob->write(7000, part(7000, 8000)));
    ASSERT_TRUE(blob->write(9000, part(9000, 10'000)));
    ASSERT_TRUE(IncomingBlob::commit(blob));
    EXPECT_EQ(*sys::read_file(target()), bytes_);
}

// A kill in the middle of a journal entry, and one that says more than there is.
TEST_F(IncomingBlobTest, BelievesNoBrokenJournal) {
    constexpr off_t kJournal = 12'288;
    for (const auto& tail : {std::string("\1\2\3"), std::string(16, '\0'), std::string(16, '\x7f')}) {
        {
            const auto blob = open();
            ASSERT_TRUE(blob->write(0, part(0, 1000)));
        }
        {
            const auto file = *sys::open_path(partial(), O_WRONLY);
            ASSERT_EQ(::pwrite(file.raw(), tail.data(), tail.size(), kJournal + 16), static_cast<ssize_t>(tail.size()));
        }
        const auto blob = open();
        EXPECT_EQ(blob->inherited(), 1000U);
        ASSERT_TRUE(blob->discard());
    }
    ASSERT_TRUE(sys::write_file(partial(), std::string(100, 'x')));  // nothing that we wrote
    EXPECT_EQ(open()->inherited(), 0U);
}

TEST_F(IncomingBlobTest, LeavesNoEmptyFile) {
    open();
    EXPECT_FALSE(sys::exists(partial()));
}

TEST_F(IncomingBlobTest, WrongBytesGo) {
    const auto blob = open();
    ASSERT_TRUE(blob->write(0, std::string(10'000, 'c')));
    const auto committed = IncomingBlob::commit(blob);
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().kind(), Kind::corrupt);
    EXPECT_FALSE(sys::exists(partial()));
    EXPECT_FALSE(sys::exists(target()));
}

TEST_F(IncomingBlobTest, SaysThatBytesAreWrongEvenWhenItMayNotTidyUp) {
    test::in_mount_namespace([&] {
        const auto blob = open();
        ASSERT_TRUE(blob->write(0, std::string(10'000, 'c')));
        ASSERT_EQ(::mount(partial().c_str(), partial().c_str(), nullptr, MS_BIND, nullptr), 0);
        EXPECT_EQ(IncomingBlob::commit(blob).error().kind(), Kind::corrupt);
        EXPECT_TRUE(sys::exists(partial()));
    });
}

// Mounted upon, the file cannot be removed; what is told is that the disk is full.
TEST_F(IncomingBlobTest, SaysThatTheDiskIsFullEvenWhenItMayNotTidyUp) {
    test::in_mount_namespace([&] {
        const auto disk = directory_ / "disk";
        ASSERT_TRUE(sys::make_dirs(disk));
        ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=65536"), 0);
        const auto path = disk + "/x.part";
        const std::string bytes(200'000, 'x');
        const auto blob =
            IncomingBlob::open({.digest = Digest::of(bytes), .size = bytes.size()}, path, disk + "/blob").value();
        ASSERT_EQ(::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), 0);
        const auto written = blob->write(0, bytes);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().kind(), Kind::exhausted) << written.error().what();
        EXPECT_TRUE(sys::exists(path));
    });
}

}  // namespace
}  // namespace diatom::image
