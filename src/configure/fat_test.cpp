#include "configure/fat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "configure/file_system.h"
#include "proc/spawn.h"
#include "tests/support/temp_dir.h"

namespace diatom::configure {
namespace {

using ::testing::HasSubstr;

class Fat : public ::testing::Test {
protected:
    std::string image(const NewFat& wanted) {
        const auto layout = plan_fat(wanted);
        if (!layout) return std::string(layout.error().what());
        auto file = temp_ / "fat.img";
        std::ofstream stream(file, std::ios::binary);
        for (const auto& piece : layout->pieces) {
            EXPECT_LE(piece.at + piece.bytes.size(), layout->zeroed);
            stream.seekp(static_cast<std::streamoff>(piece.at));
            stream.write(piece.bytes.data(), static_cast<std::streamsize>(piece.bytes.size()));
        }
        stream.close();
        std::filesystem::resize_file(file, wanted.bytes);
        return file;
    }

    // What Debian's fsck.fat says of it, changing nothing.
    static std::string checked(const std::string& file) {
        proc::SpawnRequest request;
        request.path = "/usr/sbin/fsck.fat";
        request.argv = {"fsck.fat", "-n", "-v", file};
        const auto done = proc::run(std::move(request), 60'000);
        if (!done) return std::string(done.error().what());
        return done->status.code == 0 ? done->out : "FAILED: " + done->out;
    }

    test::TempDir temp_;
};

TEST_F(Fat, IsOneForOthers) {
    for (const std::uint64_t mib : {34ULL, 260ULL, 300ULL, 9000ULL, 40'000ULL}) {
        const auto file = image({.bytes = mib << 20U, .label = "DATA", .serial = 0x1A2B3C4D});
        const auto said = checked(file);
        EXPECT_THAT(said, HasSubstr("FATs, 32 bit entries")) << mib << ": " << said;
        EXPECT_THAT(said, ::testing::Not(HasSubstr("FAILED"))) << mib;
        const auto found = file_system_of(file);
        ASSERT_TRUE(found && *found);
        EXPECT_EQ(std::format("{} {} {}", (*found)->type, (*found)->label, (*found)->uuid), "vfat DATA 1A2B-3C4D");
    }
    EXPECT_THAT(checked(image({.bytes = 300U << 20U, .sector = 4096})), HasSubstr("4096 bytes per logical sector"));
}

TEST_F(Fat, SaysWhatItCannotBe) {
    EXPECT_THAT(image({.bytes = 32U << 20U}), HasSubstr("FAT32 needs 65525 clusters"));
    EXPECT_THAT(image({.bytes = 0}), HasSubstr("FAT32 needs"));
    EXPECT_THAT(image({.bytes = 3ULL << 42U}), HasSubstr("2^32 sectors"));
    EXPECT_THAT(image({.bytes = 64U << 20U, .label = "twelve chars"}), HasSubstr("up to 11 characters"));
    EXPECT_THAT(image({.bytes = 64U << 20U, .label = "a/b"}), HasSubstr("without punctuation"));
    EXPECT_FALSE(make_fat("/dev/null", "", "x"));
}

}  // namespace
}  // namespace diatom::configure
