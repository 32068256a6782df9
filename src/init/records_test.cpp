#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "init/fd_store.h"
#include "init/ledger.h"
#include "init/notify.h"
#include "init/timeline.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {

Fd null_fd() { return *sys::open_path("/dev/null", O_RDONLY); }

TEST(Ledger, FindsByPidAndStartTimeAndForgetsTheOldest) {
    ExitLedger ledger(3);
    for (int i = 1; i <= 4; ++i) ledger.record({i, 10}, {.code = i});
    EXPECT_FALSE(ledger.find({1, 10}));
    EXPECT_EQ(ledger.find({2, 10})->code, 2);
    EXPECT_EQ(ledger.find({4, 10})->code, 4);
    EXPECT_FALSE(ledger.find({4, 11}));
    EXPECT_FALSE(ledger.find({0, 0}));
    EXPECT_EQ(ledger.recorded(), 4U);
}

TEST(FdStore, KeepsTheLaterOfANameAndIsBounded) {
    FdStore store(2);
    ASSERT_TRUE(store.park("a", null_fd()));
    auto pipe = sys::make_pipe();
    ASSERT_TRUE(store.park("a", std::move(pipe->first)));
    ASSERT_TRUE(sys::write_all(pipe->second, "later"));
    pipe->second.reset();
    ASSERT_TRUE(store.park("b", null_fd()));
    EXPECT_EQ(store.park("c", null_fd()).error().kind(), Kind::exhausted);
    ASSERT_TRUE(store.park("b", null_fd()));
    const auto entries = store.list("", "", 10);
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(*sys::read_all(entries[0].fd), "later");  // the writer has gone, what it wrote has not
}

TEST(FdStore, RefusesBadNames) {
    FdStore store;
    for (const std::string name : {"", "a b", "a:b", "a\n", "\x7f"}) {
        EXPECT_EQ(store.park(name, null_fd()).error().kind(), Kind::invalid);
    }
    EXPECT_FALSE(store.park(std::string(256, 'a'), null_fd()));
    EXPECT_FALSE(store.park("a", Fd()));
}

TEST(FdStore, ListsAndForgetsByPrefix) {
    FdStore store;
    for (const auto* name : {"system/a", "user/a", "user/b", "user/c"}) ASSERT_TRUE(store.park(name, null_fd()));
    EXPECT_EQ(store.list("user/", "", 2).back().name, "user/b");
    EXPECT_EQ(store.list("user/", "user/b", 2).front().name, "user/c");
    EXPECT_EQ(store.forget("user/"), 3U);
    EXPECT_EQ(store.size(), 1U);
}

TEST(FdStore, LeaksNothing) {
    const auto before = *sys::count_open_fds();
    {
        FdStore store;
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.park("same", null_fd()));
    }
    EXPECT_EQ(*sys::count_open_fds(), before);
}

TEST(Notify, ParsesWhatMatters) {
    const auto n =
        parse_notification("READY=1\nSTATUS=up and well\nFDSTORE=1\nFDNAME=user/x/stdout\nX=\n\n=\nnonsense");
    EXPECT_TRUE(n.ready && n.store_fds && !n.watchdog && !n.stopping);
    EXPECT_EQ(n.fd_name, "user/x/stdout");
    EXPECT_EQ(n.status, "up and well");
    EXPECT_EQ(parse_notification("").fd_name, "stored");
    EXPECT_FALSE(parse_notification("READY=0").ready);
    EXPECT_EQ(parse_notification("STATUS=" + std::string(5000, 'x')).status.size(), 256U);
}

TEST(Timeline, FirstMarkOfANameCounts) {
    Timeline timeline;
    EXPECT_TRUE(timeline.mark("mounts", 10));
    EXPECT_FALSE(timeline.mark("mounts", 20));
    EXPECT_FALSE(timeline.mark("", 1));
    for (int i = 0; i < 1000; ++i) timeline.mark(std::to_string(i), i);
    EXPECT_EQ(timeline.marks().size(), Timeline::kMaxMarks);
    EXPECT_EQ(timeline.marks()[0].at_us, 10);
}

}  // namespace
}  // namespace diatom::init
