#include "uplink/pending.h"

#include <gtest/gtest.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::uplink {
namespace {

class PendingTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(sys::make_dirs(files_.run));
        put(files_.config(), "old");
        put(files_.own(), R"({"network": {"dns": {"search": ["old"]}}})");
        put(home_ / "machine.yml", "network: {dns: {search: [old]}}\n");
    }
    void change() {
        put(files_.config(), "new");
        put(files_.own(), R"({"network": {"dns": {"search": ["new"]}}})");
        put(home_ / "machine.yml", "hostname: a\nnetwork: {dns: {search: [new]}}\n");
    }
    void put(const std::string& file, std::string_view text) { ASSERT_TRUE(sys::write_file(file, text)); }
    std::string get(const std::string& file) { return sys::read_file(file).value_or("(nothing)"); }
    std::string search() {
        const auto own = *machine::Store(home_.path()).own();
        return own.at("network").at("dns").texts_of("search").front();
    }

    test::TempDir home_;
    machine::NetworkFiles files_{home_ / "run"};
    Pending pending_{files_, machine::Unconfirmed(home_.path())};
};

TEST_F(PendingTest, GoesBackInTheRunningMachineAndInItsFile) {
    EXPECT_FALSE(pending_.deadline());
    const auto now = sys::boot_ns();
    ASSERT_TRUE(pending_.begin(60));
    EXPECT_GE(*pending_.deadline(), now + 60'000'000'000);
    change();
    ASSERT_TRUE(pending_.undo());
    EXPECT_EQ(get(files_.config()), "old");
    EXPECT_NE(get(files_.own()).find("old"), std::string::npos);
    EXPECT_EQ(search(), "old");
    EXPECT_EQ(machine::Store(home_.path()).own()->text_of("hostname"), "a");
    EXPECT_FALSE(pending_.deadline());
    EXPECT_EQ(pending_.undo().error().kind(), Kind::not_found);
}

TEST_F(PendingTest, ASecondChangeGoesBackToBeforeTheFirst) {
    ASSERT_TRUE(pending_.begin(60));
    change();
    const auto first = *pending_.deadline();
    ASSERT_TRUE(pending_.begin(600));
    EXPECT_GT(*pending_.deadline(), first);
    ASSERT_TRUE(pending_.undo());
    EXPECT_EQ(get(files_.config()), "old");
    EXPECT_EQ(search(), "old");
}

TEST_F(PendingTest, WhereNothingWasConfiguredNothingIsAgain) {
    ASSERT_TRUE(sys::remove_file(files_.config()));
    ASSERT_TRUE(sys::remove_file(files_.own()));
    ASSERT_TRUE(pending_.begin(60));
    change();
    ASSERT_TRUE(pending_.undo());
    EXPECT_FALSE(sys::exists(files_.config()));
    EXPECT_FALSE(machine::Store(home_.path()).own()->has("network"));
}

TEST_F(PendingTest, WhatIsConfirmedStays) {
    EXPECT_EQ(pending_.confirm().error().kind(), Kind::not_found);
    ASSERT_TRUE(pending_.begin(60));
    change();
    ASSERT_TRUE(pending_.confirm());
    EXPECT_EQ(get(files_.config()), "new");
    EXPECT_EQ(search(), "new");
    EXPECT_FALSE(pending_.deadline());
    EXPECT_FALSE(machine::Unconfirmed(home_.path()).exists());
}

}  // namespace
}  // namespace diatom::uplink
