#include "configure/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using ::testing::HasSubstr;

std::string head_with(std::initializer_list<std::pair<std::size_t, std::string>> fields) {
    std::string head(kFileSystemHead, '\0');
    for (const auto& [at, bytes] : fields) head.replace(at, bytes.size(), bytes);
    return head;
}

std::string shown(const std::string& head) {
    const auto found = parse_file_system(head);
    return found ? std::format("{} {} {}", found->type, found->label, found->uuid) : "none";
}

TEST(FileSystem, IsKnownByItsBytes) {
    const std::string uuid("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
    const std::string text = "01234567-89ab-cdef-0123-456789abcdef";
    EXPECT_EQ(shown(head_with({{1080, "\x53\xEF"}, {1128, uuid}, {1144, "data"}})), "ext4 data " + text);
    EXPECT_EQ(shown(head_with({{0, "XFSB"}, {32, uuid}, {108, "x"}})), "xfs x " + text);
    EXPECT_EQ(shown(head_with({{65600, "_BHRfS_M"}, {65568, uuid}, {65835, "b"}})), "btrfs b " + text);
    EXPECT_EQ(shown(head_with({{82, "FAT32   "}, {71, "CIDATA     "}, {67, "\x78\x56\x34\x12"}})),
              "vfat CIDATA 1234-5678");
    EXPECT_EQ(shown(head_with({{54, "FAT16   "}, {43, "NO NAME    "}, {39, "\x01\x02\x03\x04"}})), "vfat  0403-0201");
    EXPECT_EQ(shown(std::string(kFileSystemHead, '\0')), "none");
    EXPECT_EQ(shown(""), "none");
}

TEST(FileSystem, AHeaderOfSwapIsOne) {
    const auto page = swap_header(1U << 20U, "more", "01234567-89ab-cdef-0123-456789abcdef");
    ASSERT_TRUE(page);
    EXPECT_EQ(shown(*page), "swap more 01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ((*page)[1028], '\xFF');  // the last of 256 pages
    EXPECT_FALSE(swap_header(4096, "", ""));
    EXPECT_FALSE(swap_header(1U << 20U, "", "x"));
}

TEST(FileSystem, WhatIsNotMadeIsRefused) {
    const auto made = make_file_system({.device = "/dev/null", .type = "xfs"});
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().what(), HasSubstr("xfs: ext4, vfat and swap are made here"));
}

TEST(FindDevice, SaysWhatIsNotThere) {
    for (const auto* name : {"LABEL=no-such", "/dev/disk/by-partuuid/no-such", "/dev/no-such", "relative"})
        EXPECT_EQ(find_device(name).error().kind(), Kind::not_found) << name;
    EXPECT_EQ(find_device("/dev/null").value_or(""), "/dev/null");
}

}  // namespace
}  // namespace diatom::configure
