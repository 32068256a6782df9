#include "engine/log_batch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/log_cursor.h"
#include "engine/testing/fake_init.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::engine {
namespace {

// An engine's way with one container's output, which may end at any step.
class LogBatchTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto pipe = sys::make_pipe().value();
        ::fcntl(pipe.first.raw(), F_SETFL, O_NONBLOCK);
        from_ = std::move(pipe.first);
        program_ = std::move(pipe.second);
        begin();
    }
    void begin() {
        auto opened = LogBatch::open(init_.supervisor(), "log/test/batch", place_ / "journal");
        ASSERT_TRUE(opened) << opened.error().what();
        batch_ = std::move(*opened);
        while (init_.supervisor().parked("log/test/batch").value().empty()) ::usleep(1000);
        auto recovered = batch_->recover([&](const std::string& container, std::optional<std::uint64_t> size) {
            EXPECT_EQ(container, "box");
            const auto length = size ? static_cast<off_t>(*size) : static_cast<off_t>(sys::stat_path(path())->st_size);
            EXPECT_EQ(::truncate(path().c_str(), length), 0);
            return open_log();
        });
        EXPECT_EQ(recovered.has_value(), !gone_);
        if (!gone_) log_ = *open_log();
    }
    // As when the engine is killed: PID 1 has the pipe, tmpfs the journal and the begun line.
    void die() {
        log_.reset();
        batch_.reset();
        begin();
    }
    Result<std::unique_ptr<JsonLog>> open_log() {
        if (gone_) return fail(Kind::not_found, "no such container");
        auto log = TRY(JsonLog::open(path(), options_));
        log->keep_partials(place_.path());
        return log;
    }
    void say(std::string_view text) {
        ASSERT_EQ(::write(program_.raw(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::string take() {
        std::string bytes(1000, '\0');
        const auto size = batch_->take(from_, "box", *log_, LogStream::out, bytes);
        bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return bytes;
    }
    void pass() {
        ASSERT_TRUE(log_->append(LogStream::out, take(), 1));
        batch_->done();
    }
    std::string logged() {
        auto cursor = LogCursor::open(path(), 9, 0, std::nullopt).value();
        std::string text;
        while (auto entry = cursor.next(0).value()) text += entry->text;
        return text;
    }
    std::string path() const { return place_ / "log"; }

    test::TempDir place_;
    testing::FakeInit init_{place_.path()};
    LogOptions options_;
    bool gone_ = false;
    Fd from_, program_;
    std::unique_ptr<LogBatch> batch_;
    std::unique_ptr<JsonLog> log_;
};

TEST_F(LogBatchTest, WhatWasTakenIsNotLost) {
    say("one\nbegun");
    EXPECT_EQ(take(), "one\nbegun");
    die();
    EXPECT_EQ(logged(), "one\n");
    say(" before\n");
    pass();
    EXPECT_EQ(logged(), "one\nbegun before\n");
    EXPECT_EQ(take(), "") << "the pipe is empty";
}

TEST_F(LogBatchTest, WhatWasLoggedIsNotLoggedTwice) {
    say("first, begun");
    pass();
    say(" and ended\nsecond\nthird, be");
    ASSERT_TRUE(log_->append(LogStream::out, take(), 1));
    EXPECT_EQ(logged(), "first, begun and ended\nsecond\n");
    die();
    EXPECT_EQ(logged(), "first, begun and ended\nsecond\n");
    say("gun\n");
    pass();
    die();
    EXPECT_EQ(logged(), "first, begun and ended\nsecond\nthird, begun\n");
}

TEST_F(LogBatchTest, ALineThatIsHalfWrittenIsWrittenAnew) {
    say("whole\n");
    pass();
    const auto before = sys::read_file(path())->size();
    say("half\nand more\n");
    ASSERT_TRUE(log_->append(LogStream::out, take(), 1));
    ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(before + 10)), 0);
    die();
    EXPECT_EQ(logged(), "whole\nhalf\nand more\n");
}

TEST_F(LogBatchTest, RotationDoesNotMatter) {
    options_ = {.max_size = 120, .max_files = 9};
    die();
    std::string said;
    for (int i = 0; i < 5; ++i) {
        const auto line = "line " + std::to_string(i) + "\n";
        said += line;
        say(line);
        ASSERT_TRUE(log_->append(LogStream::out, take(), 1));
        die();
        EXPECT_EQ(logged(), said);
    }
    EXPECT_TRUE(sys::exists(path() + ".1"));
}

TEST_F(LogBatchTest, AContainerThatIsGoneLeavesNothing) {
    say("for nobody\n");
    take();
    gone_ = true;
    die();
    gone_ = false;
    die();
    say("for somebody\n");
    pass();
    EXPECT_EQ(logged(), "for somebody\n");
}

}  // namespace
}  // namespace diatom::engine
