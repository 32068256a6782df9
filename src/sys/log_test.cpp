#include "sys/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "base/json.h"
#include "base/strings.h"
#include "sys/file.h"
#include "sys/log_flag.h"
#include "tests/support/temp_dir.h"

namespace diatom::log {
namespace {

using test::TempDir;
using testing::HasSubstr;
using testing::Not;

// Standard error goes to a file while it lives, and the log back to its first state afterwards.
class Log : public testing::Test {
protected:
    void TearDown() override { open_sink({}); }

    void open(std::uint64_t max_bytes = 1U << 20U, Level echo = Level::error) {
        open_sink({.directory = temp_.path(), .unit = "test", .max_bytes = max_bytes, .echo = echo});
    }
    std::string text(const std::string& name = "test.log") { return sys::read_file(temp_ / name).value_or(""); }
    std::vector<Json> lines(const std::string& name = "test.log") {
        std::vector<Json> parsed;
        const std::string all = text(name);
        for (const auto line : split(all, '\n')) {
            if (!line.empty()) parsed.push_back(parse_json(line, name).value());
        }
        return parsed;
    }
    TempDir temp_;
};

TEST_F(Log, AFlagBesideItHasEverythingSaidForAWhile) {
    open();
    debug("not asked for");
    ASSERT_TRUE(sys::write_file(temp_ / kDebugFlag, ""));
    debug("asked for");
    ASSERT_TRUE(sys::remove_file(temp_ / kDebugFlag));
    debug("not any more");
    EXPECT_THAT(text(), HasSubstr(R"("msg":"asked for")"));
    EXPECT_EQ(lines().size(), 1U);
}

TEST_F(Log, OneJsonObjectALine) {
    open();
    info("container started", {{"id", "c1"}, {"pid", 42}, {"tty", true}, {"odd", "a\"b\n\xff"}});
    warning("second");
    const auto all = lines();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0]["msg"], "container started");
    EXPECT_EQ(all[0]["level"], "info");
    EXPECT_EQ(all[0]["unit"], "test");
    EXPECT_EQ(all[0]["id"], "c1");
    EXPECT_EQ(all[0]["pid"], 42);
    EXPECT_EQ(all[0]["tty"], true);
    EXPECT_EQ(all[0]["odd"], "a\"b\n\xef\xbf\xbd");
    EXPECT_GT(all[0]["t"].get<std::int64_t>(), 0);
    EXPECT_LE(all[0]["m"].get<std::int64_t>(), all[1]["m"].get<std::int64_t>());
}

TEST_F(Log, LeastLevelCounts) {
    open();
    debug("hidden");
    info("shown");
    EXPECT_EQ(lines().size(), 1U);
}

TEST_F(Log, EchoIsForPeople) {
    open(1U << 20U, Level::warning);
    testing::internal::CaptureStderr();
    info("quiet");
    warning("disk is slow", {{"disk", "vda"}, {"why", "no idea"}});
    error("start container", Error(Kind::io, "broken"));
    const std::string echoed = testing::internal::GetCapturedStderr();
    EXPECT_EQ(echoed,
              "test: warning: disk is slow disk=vda why=\"no idea\"\ntest: error: start container error=broken\n");
    EXPECT_EQ(lines().size(), 3U);
}

TEST_F(Log, WithoutEchoTheFileOnly) {
    open_sink({.directory = temp_.path(), .unit = "test", .echo = std::nullopt});
    testing::internal::CaptureStderr();
    error("silent");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(lines().size(), 1U);
}

TEST_F(Log, WithoutASinkStandardError) {
    testing::internal::CaptureStderr();
    info("plain");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "plain\n");
}

TEST_F(Log, RotatesAndKeepsOne) {
    constexpr std::uint64_t kMax = 2000;
    open(kMax);
    for (int i = 0; i < 100; ++i) info("line", {{"n", i}});
    EXPECT_LE(text().size(), kMax);
    EXPECT_LE(text("test.log.1").size(), kMax);
    EXPECT_EQ(sys::list_dir(temp_.path())->size(), 2U);
    EXPECT_EQ(lines().back()["n"], 99);
    EXPECT_EQ(lines("test.log.1").back()["n"].get<int>() + 1, lines().front()["n"].get<int>())
        << "no line lost between";
}

TEST_F(Log, AppendsToWhatIsThere) {
    open();
    info("first");
    open();
    info("second");
    EXPECT_EQ(lines().size(), 2U);
}

TEST_F(Log, LongMessagesAreCut) {
    open();
    info(std::string(1U << 20U, 'x'));
    EXPECT_LT(text().size(), 10'000U);
    EXPECT_EQ(lines().size(), 1U);
}

TEST_F(Log, ADirectoryThatIsMissingStopsNobody) {
    open_sink({.directory = temp_ / "missing", .unit = "test", .echo = Level::error});
    info("lost");
    ASSERT_TRUE(sys::make_dirs(temp_ / "missing"));
    info("kept");
    EXPECT_THAT(text("missing/test.log"), HasSubstr("kept"));
    EXPECT_THAT(text("missing/test.log"), Not(HasSubstr("lost")));
}

TEST_F(Log, LinesOfThreadsDoNotMix) {
    open();
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([t] {
                for (int i = 0; i < 200; ++i) info(std::string(100, static_cast<char>('a' + t)));
            });
        }
    }
    EXPECT_EQ(lines().size(), 800U);
}

}  // namespace
}  // namespace diatom::log
