#include "configure/partition_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using ::testing::HasSubstr;
using testing::read;

constexpr std::uint64_t kMiB = 1U << 20U;

class Tables : public ::testing::Test {
protected:
    void SetUp() override {
        auto made = sys::memory_file("disk", "", false);
        ASSERT_TRUE(made);
        file_ = std::move(*made);
        ASSERT_EQ(::ftruncate(file_.raw(), 64 * kMiB), 0);
        disk_ = {.fd = file_, .bytes = 64 * kMiB};
    }

    // What becomes of the disk; an error as text.
    std::string apply(const std::string& text) {
        const auto old = read_gpt(disk_);
        if (!old) return old.error().what();
        const auto table = plan_table(*old, read(text), disk_);
        if (!table) return table.error().what();
        const auto written = write_gpt(disk_, *table);
        return written ? "" : written.error().what();
    }
    // "1 data 2048+2048"
    std::string shown() {
        const auto table = read_gpt(disk_);
        if (!table || !*table) return "none";
        std::string text;
        for (const auto& one : (*table)->partitions)
            text += std::format("{} {} {}+{}\n", one.number, one.label, one.first, one.last - one.first + 1);
        return text;
    }

    Fd file_;
    Disk disk_;
};

TEST_F(Tables, AreMadeOnABlankDisk) {
    EXPECT_EQ(shown(), "none");
    EXPECT_EQ(apply("partitions: [{label: a, size: 8m}, {label: b, size: 16m, number: 5, type: swap}, {label: c}]"),
              "");
    EXPECT_EQ(shown(), "1 a 2048+16384\n2 c 51200+79837\n5 b 18432+32768\n");
    const auto table = read_gpt(disk_);
    EXPECT_EQ((*table)->partitions[2].type, "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F");
    EXPECT_EQ((*table)->partitions[0].guid.size(), 36U);
    // A second time changes nothing, but for what is new.
    const auto guid = (*table)->partitions[0].guid;
    EXPECT_EQ(apply("partitions: [{label: a, size: 8m}]"), "");
    EXPECT_EQ((*read_gpt(disk_))->partitions[0].guid, guid);
}

TEST_F(Tables, WhatIsThereStays) {
    EXPECT_EQ(apply("partitions: [{number: 1, label: a, size: 8m}]"), "");
    EXPECT_THAT(apply("partitions: [{number: 1, label: a, size: 9m}]"),
                HasSubstr("partition 1 is there and has another size: nothing is changed without wipe"));
    EXPECT_THAT(apply("partitions: [{number: 1, absent: true}]"), HasSubstr("it goes with wipe only"));
    EXPECT_THAT(apply("partitions: [{number: 1, type: esp}]"), HasSubstr("is of another type"));
    EXPECT_THAT(apply("partitions: [{label: d, size: 1g}]"), HasSubstr("there is no room"));
    EXPECT_THAT(apply("partitions: [{label: d, start: 4m, size: 8m}]"), HasSubstr("start: there is no room"));
    EXPECT_EQ(shown(), "1 a 2048+16384\n");
    EXPECT_EQ(apply("partitions: [{number: 1, label: b, size: 9m, wipe: true}]"), "");
    EXPECT_EQ(shown(), "1 b 2048+18432\n");
    EXPECT_EQ(apply("partitions: [{number: 1, absent: true, wipe: true}, {label: c, percent: 50}]"), "");
    EXPECT_THAT(shown(), HasSubstr("1 c 2048+65"));
}

TEST_F(Tables, GrowWhereTheyMay) {
    EXPECT_EQ(apply("partitions: [{number: 1, size: 8m}, {number: 2, start: 32m, size: 8m}]"), "");
    EXPECT_EQ(apply("partitions: [{number: 1, size: 16m, resize: true}]"), "");
    EXPECT_EQ(shown(), "1  2048+32768\n2  65536+16384\n");
    EXPECT_THAT(apply("partitions: [{number: 1, size: 48m, resize: true}]"), HasSubstr("has another size"));
    EXPECT_EQ(apply("partitions: [{number: 1, resize: true}, {number: 2, resize: true}]"), "");
    EXPECT_EQ(shown(), "1  2048+63488\n2  65536+65501\n");
}

TEST_F(Tables, SharesFillTheDisk) {
    // A second time they are there.
    EXPECT_EQ(apply("partitions: [{percent: 50}, {percent: 50}]"), "");
    EXPECT_EQ(apply("partitions: [{percent: 50}, {percent: 50}]"), "");
    EXPECT_EQ(shown(), "1  2048+65500\n2  67584+63453\n");
    EXPECT_THAT(apply("partitions: [{number: 3, percent: 50}]"), HasSubstr("there is no room"));
}

TEST_F(Tables, DamageIsSaid) {
    EXPECT_EQ(apply("partitions: [{label: a}]"), "");
    const std::string odd = "x";
    ASSERT_EQ(::pwrite(disk_.fd.raw(), odd.data(), 1, 1024 + 60), 1);
    EXPECT_THAT(apply("partitions: [{label: a}]"), HasSubstr("the entries of its GPT are damaged"));
    ASSERT_EQ(::pwrite(disk_.fd.raw(), odd.data(), 1, 512 + 20), 1);
    EXPECT_THAT(apply("partitions: [{label: a}]"), HasSubstr("its GPT is damaged"));
}

TEST_F(Tables, OfTheOldKindHaveFour) {
    const auto table = plan_table({}, read("partitions: [{size: 8m}, {type: swap}]"), disk_);
    ASSERT_TRUE(table);
    ASSERT_TRUE(write_mbr(disk_, *table));
    std::string sector(512, '\0');
    ASSERT_EQ(::pread(disk_.fd.raw(), sector.data(), sector.size(), 0), 512);
    EXPECT_EQ(sector.substr(510), "\x55\xAA");
    EXPECT_EQ(sector[446 + 4], '\x83');
    EXPECT_EQ(sector[446 + 16 + 4], '\x82');
    EXPECT_EQ(sector[446 + 9], '\x08');
    const auto five = plan_table({}, read("partitions: [{number: 5}]"), disk_);
    EXPECT_FALSE(write_mbr(disk_, *five));
}

TEST(TypeGuid, KnowsNamesAndGuids) {
    EXPECT_EQ(type_guid("ESP"), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
    EXPECT_EQ(type_guid("0fc63daf-8483-4772-8e79-3d69d8477de4"), "0FC63DAF-8483-4772-8E79-3D69D8477DE4");
    for (const auto* odd : {"nothing", "0fc63daf-8483-4772-8e79-3d69d8477deg", "0fc63daf"})
        EXPECT_FALSE(type_guid(odd));
}

}  // namespace
}  // namespace diatom::configure
