#include <fcntl.h>
#include <gtest/gtest.h>

#include "engine/log_cursor.h"
#include "engine/log_options.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

class JsonLogTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/engine-log-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { EXPECT_TRUE(sys::remove_tree(directory_)); }
    std::string path() const { return directory_ + "/x-json.log"; }
    std::string read(LogCursor& cursor, const JsonLog& log) {
        std::string text;
        while (auto entry = cursor.next(log.generation()).value()) text += entry->text;
        return text;
    }
    // As the engine reads, which makes the copies on a worker.
    std::string read_unpacking(LogCursor& cursor, const JsonLog& log) {
        std::string text;
        for (;;) {
            auto entry = cursor.next(log.generation());
            if (!entry && cursor.copies().wanting()) EXPECT_TRUE(cursor.copies().make());
            else if (entry.value()) text += (*entry)->text;
            else return text;
        }
    }
    std::string kept(const JsonLog& log, std::optional<std::uint64_t> tail = std::nullopt) {
        const auto copies = std::make_shared<LogCopies>();
        for (;;) {
            auto cursor = LogCursor::open(path(), log.max_files(), log.generation(), tail, copies);
            if (cursor) return read_unpacking(*cursor, log);
            if (!copies->wanting()) return cursor.error().what();
            EXPECT_TRUE(copies->make());
        }
    }
    std::string directory_;
};

TEST_F(JsonLogTest, WritesDockersFormat) {
    auto log = JsonLog::open(path(), {}).value();
    ASSERT_TRUE(log->append(LogStream::out, "a \"line\"\npart", 1'000'000'001));
    ASSERT_TRUE(log->append(LogStream::err, "bad\xff\n", 2'000'000'020));
    EXPECT_EQ(sys::read_file(path()).value(),
              "{\"log\":\"a \\\"line\\\"\\n\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:01.000000001Z\"}\n"
              "{\"log\":\"bad\xef\xbf\xbd\\n\",\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:02.000000020Z\"}\n");
    ASSERT_TRUE(log->append(LogStream::out, "ial\n", 3'000'000'000));
    auto cursor = LogCursor::open(path(), 3, 0, 1).value();
    const auto last = cursor.next(0).value();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->text, "partial\n");
    EXPECT_EQ(last->time, 1'000'000'001) << "a line's time is that of its first byte";
}

TEST_F(JsonLogTest, EntriesCarryWhatTheOptionsName) {
    Container container;
    container.config.log.labels = {"color", "absent"};
    container.config.log.env = {"A"};
    container.config.labels = {{"color", "red & blue"}, {"size", "1"}};
    container.env = {"A=b=c", "B=d"};
    const auto attributes = log_attributes(container);
    auto log = JsonLog::open(path(), container.config.log, 0, attributes).value();
    ASSERT_TRUE(log->append(LogStream::out, "x\n", 1'000'000'000));
    EXPECT_EQ(sys::read_file(path()).value(),
              "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"A\":\"b=c\",\"color\":\"red & blue\"},"
              "\"time\":\"1970-01-01T00:00:01.000000000Z\"}\n");
    auto cursor = LogCursor::open(path(), 3, 0, std::nullopt).value();
    EXPECT_EQ(log_details(cursor.next(0).value()->attributes), "A=b%3Dc,color=red%20%26%20blue ");
    EXPECT_EQ(log_details({}), " ");
}

TEST_F(JsonLogTest, SplitsLongLines) {
    auto log = JsonLog::open(path(), {}).value();
    ASSERT_TRUE(log->append(LogStream::out, std::string(kMaxLogLine + 10, 'x') + "\n", 1));
    auto cursor = LogCursor::open(path(), 3, 0, std::nullopt).value();
    EXPECT_EQ(cursor.next(0).value()->text, std::string(kMaxLogLine, 'x'));
    EXPECT_EQ(cursor.next(0).value()->text, std::string(10, 'x') + "\n");
    EXPECT_FALSE(cursor.next(0).value());
}

TEST_F(JsonLogTest, FollowsAcrossRotation) {
    auto log = JsonLog::open(path(), {.max_size = 200, .max_files = 3}).value();
    auto cursor = LogCursor::open(path(), 3, 0, std::nullopt).value();
    std::string written, seen;
    for (int i = 0; i < 50; ++i) {
        const auto line = "line " + std::to_string(i) + "\n";
        ASSERT_TRUE(log->append(LogStream::out, line, 1));
        written += line;
        if (i % 2 == 0) seen += read(cursor, *log);
    }
    seen += read(cursor, *log);
    EXPECT_EQ(seen, written);
    EXPECT_TRUE(sys::exists(path() + ".2"));
    EXPECT_FALSE(sys::exists(path() + ".3"));
    auto all = LogCursor::open(path(), 3, log->generation(), std::nullopt).value();
    EXPECT_TRUE(written.ends_with(read(all, *log)));
    auto tail = LogCursor::open(path(), 3, log->generation(), 4).value();
    EXPECT_EQ(read(tail, *log), "line 46\nline 47\nline 48\nline 49\n");
    auto none = LogCursor::open(path(), 3, log->generation(), 0).value();
    EXPECT_EQ(read(none, *log), "");
}

TEST_F(JsonLogTest, ReadsWhatWasCompressedMeanwhile) {
    auto log = JsonLog::open(path(), {.max_size = 200, .max_files = 4, .compress = true}).value();
    auto behind = LogCursor::open(path(), 4, 0, std::nullopt).value();
    for (int i = 10; i < 22; ++i) {  // two lines a file
        ASSERT_TRUE(log->append(LogStream::out, std::to_string(i) + "\n", 1));
        const auto rotated = log->take_rotated();
        EXPECT_EQ(rotated.has_value(), i > 10 && i % 2 == 0) << i;
        if (!rotated || i == 20) continue;  // the last one is still to be compressed
        const auto compressed = compress_log(rotated->file, directory_);
        ASSERT_TRUE(compressed) << compressed.error().what();
        ASSERT_TRUE(install_compressed(*compressed, path(), log->generation() - rotated->generation));
    }
    EXPECT_TRUE(sys::exists(path() + ".1") && !sys::exists(path() + ".1.gz"));
    EXPECT_TRUE(sys::exists(path() + ".3.gz") && !sys::exists(path() + ".3"));
    EXPECT_FALSE(sys::exists(path() + ".4.gz"));
    EXPECT_EQ(read_unpacking(behind, *log), "10\n11\n14\n15\n16\n17\n18\n19\n20\n21\n") << "two were rotated out";
    EXPECT_EQ(kept(*log, 7), "15\n16\n17\n18\n19\n20\n21\n");
    EXPECT_EQ(kept(*log, 1), "21\n");
    // What was compressed when its file had gone has no place.
    const Fd late = compress_log(sys::open_path(path(), O_RDONLY).value(), directory_).value();
    EXPECT_EQ(install_compressed(late, path(), 7).error().kind(), Kind::not_found);
}

TEST_F(JsonLogTest, ADamagedCompressedFileHidesNoOther) {
    ASSERT_TRUE(sys::write_file(path() + ".1.gz", "\x1f\x8b not gzip at all"));
    auto log = JsonLog::open(path(), {.compress = true}).value();
    ASSERT_TRUE(log->append(LogStream::out, "after\n", 1));
    EXPECT_EQ(kept(*log), "after\n");
}

TEST_F(JsonLogTest, UnfinishedLinesOutliveTheirWriter) {
    {
        auto log = JsonLog::open(path(), {}).value();
        log->keep_partials(directory_);
        ASSERT_TRUE(log->append(LogStream::out, "done\nhalf a", 1));
    }
    auto log = JsonLog::open(path(), {}).value();
    log->keep_partials(directory_);
    ASSERT_TRUE(log->append(LogStream::out, " line\n", 2));
    auto cursor = LogCursor::open(path(), 3, 0, std::nullopt).value();
    EXPECT_EQ(read(cursor, *log), "done\nhalf a line\n");
    EXPECT_EQ(sys::list_dir(directory_)->size(), 1U);
}

TEST_F(JsonLogTest, ACutLineHarmsNoOther) {
    ASSERT_TRUE(sys::write_file(path(), "{\"log\":\"cut"));
    auto log = JsonLog::open(path(), {}).value();
    ASSERT_TRUE(log->append(LogStream::out, "whole\n", 1));
    auto cursor = LogCursor::open(path(), 3, 0, std::nullopt).value();
    EXPECT_EQ(read(cursor, *log), "whole\n");
}

}  // namespace
}  // namespace diatom::engine
