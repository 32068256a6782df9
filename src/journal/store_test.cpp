// What is kept, found again, cut after a power cut, and removed when it is too much.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "journal/frame.h"
#include "journal/store_reader.h"
#include "journal/store_writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kSecond = 1'000'000'000;

BootId boot_of(std::uint8_t number) {
    BootId id;
    id.bytes.fill(number);
    return id;
}

Record record_of(std::string unit, std::string text, std::int64_t second = 1, Priority priority = Priority::info) {
    Record record;
    record.time = second * kSecond;
    record.priority = priority;
    record.unit = std::move(unit);
    record.text = std::move(text);
    return record;
}

class Store : public ::testing::Test {
protected:
    std::unique_ptr<StoreWriter> open(std::uint8_t boot = 1, Limits limits = {}) {
        auto writer = StoreWriter::open(directory(), boot_of(boot), limits);
        EXPECT_TRUE(writer) << writer.error().what();
        return std::move(*writer);
    }
    std::string directory() const { return temp_.path() + "/log"; }
    static void append(StoreWriter& writer, Record record) {
        auto done = writer.append({&record, 1});
        ASSERT_TRUE(done) << done.error().what();
    }
    std::vector<std::string> texts(const Query& query = {}, std::uint64_t from = 0) const {
        StoreReader reader(directory(), query);
        if (from > 0) reader.seek(from);
        std::vector<std::string> list;
        while (const auto record = reader.next()) list.push_back(record->text);
        return list;
    }
    test::TempDir temp_;
};

TEST_F(Store, KeepsEverythingOfARecord) {
    auto record = record_of("web", "line one\nline two", 7, Priority::error);
    record.since_boot = 42;
    record.facility = static_cast<Facility>(16);
    record.fields = {{"pid", "7"}, {"empty", ""}};
    record.source = "own/web";
    record.position = {.identity = 99, .offset = 1234};
    {
        auto writer = open();
        append(*writer, record);
        EXPECT_TRUE(writer->unsynced());
        ASSERT_TRUE(writer->sync());
        EXPECT_FALSE(writer->unsynced());
    }
    StoreReader reader(directory(), {});
    const auto read = reader.next();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 1U);
    EXPECT_EQ(read->time, record.time);
    EXPECT_EQ(read->since_boot, 42);
    EXPECT_EQ(read->priority, Priority::error);
    EXPECT_EQ(static_cast<int>(read->facility), 16);
    EXPECT_EQ(read->unit, "web");
    EXPECT_EQ(read->text, "line one\nline two");
    EXPECT_EQ(read->fields, record.fields);
    EXPECT_EQ(read->boot, boot_of(1));
    EXPECT_EQ(read->source, "own/web");
    EXPECT_EQ(read->position, record.position);
    EXPECT_FALSE(reader.next());
    EXPECT_THAT(reader.positions(), ElementsAre(std::pair("own/web", record.position)));
    // Root's alone.
    EXPECT_EQ(sys::stat_path(directory())->st_mode & 0777U, 0700U);
    EXPECT_EQ(sys::stat_path(segment_path(directory(), 1))->st_mode & 0777U, 0600U);
}

TEST_F(Store, OneWritesAndOthersReadMeanwhile) {
    auto writer = open();
    EXPECT_EQ(StoreWriter::open(directory(), boot_of(1), {}).error().kind(), Kind::conflict);
    StoreReader reader(directory(), {.units = {"b"}});
    EXPECT_FALSE(reader.next());
    append(*writer, record_of("a", "1"));
    append(*writer, record_of("b", "2"));
    EXPECT_EQ(reader.next()->text, "2");
    EXPECT_FALSE(reader.next());
    for (int i = 0; i < 20'000; ++i) append(*writer, record_of(i % 1000 == 0 ? "b" : "a", std::string(300, 'x')));
    EXPECT_GT(list_segments(directory()).size(), 1U);
    int count = 0;
    while (reader.next()) ++count;
    EXPECT_EQ(count, 20);
}

TEST_F(Store, GoesOnWhereItWasAndKnowsTheBoots) {
    const auto said = [&](std::uint8_t boot, const char* text, std::int64_t second) {
        auto writer = open(boot);
        auto record = record_of("a", text, second);
        record.source = "own/a";
        record.position = {boot, static_cast<std::uint64_t>(second)};
        append(*writer, record);
    };
    said(1, "one", 10);
    said(1, "two", 20);
    EXPECT_THAT(list_segments(directory()), SizeIs(1));
    said(2, "three", 30);
    said(3, "four", 40);
    EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four"));
    EXPECT_THAT(texts({.boot = boot_of(1)}), ElementsAre("one", "two"));
    EXPECT_THAT(texts({.since = 20 * kSecond, .until = 30 * kSecond}), ElementsAre("two", "three"));
    EXPECT_THAT(texts({}, 3), ElementsAre("three", "four"));
    const auto boots = list_boots(directory());
    ASSERT_THAT(boots, SizeIs(3));
    EXPECT_EQ(boots[0].boot, boot_of(1));
    EXPECT_EQ(boots[0].first_time, 10 * kSecond);
    EXPECT_EQ(boots[0].last_time, 20 * kSecond);
    EXPECT_EQ(boots[1].first_number, 3U);
    EXPECT_EQ(boots[2].next_number, 5U);
    EXPECT_THAT(open(3)->positions(), ElementsAre(std::pair("own/a", Position{3, 40})));
}

TEST_F(Store, AnIndexSparesReadingAndHidesNothing) {
    {
        auto writer = open();
        for (int i = 0; i < 5000; ++i)
            append(*writer, record_of(i == 2500 ? "rare" : "often", std::string(200, 'x'), i));
        append(*writer, record_of("often", "bad", 4, Priority::critical));
    }
    const auto index = index_of(directory(), 1);
    ASSERT_TRUE(index);
    ASSERT_GT(index->blocks.size(), 10U);
    const auto hits = [&](const Query& query) {
        return std::ranges::count_if(index->blocks, [&](const auto& block) { return index->may_have(block, query); });
    };
    EXPECT_EQ(hits({.units = {"rare"}}), 1);
    EXPECT_EQ(hits({.units = {"nobody"}}), 0);
    EXPECT_EQ(hits({.priority = Priority::error}), 1);
    EXPECT_LE(hits({.since = 4990 * kSecond}), 2);
    EXPECT_EQ(hits({.boot = boot_of(2)}), 0);
    const Query rare{.units = {"rare"}}, bad{.priority = Priority::error};
    const auto answers = [&] { return std::pair(texts(rare).size(), texts(bad)); };
    EXPECT_EQ(answers(), std::pair(std::size_t{1}, std::vector<std::string>{"bad"}));
    // Without it, or with one that is damaged or of another time, the answer is the same.
    const auto path = index_path(directory(), 1);
    auto bytes = *sys::read_file(path);
    bytes[bytes.size() / 2] ^= 1;
    ASSERT_TRUE(sys::write_file(path, bytes));
    EXPECT_EQ(answers().first, 1U);
    auto longer = *index;
    longer.covered += 1'000'000;
    longer.blocks.clear();
    ASSERT_TRUE(sys::write_file(path, longer.encode()));
    EXPECT_EQ(answers().first, 1U);
    ASSERT_TRUE(sys::remove_file(path));
    EXPECT_EQ(answers(), std::pair(std::size_t{1}, std::vector<std::string>{"bad"}));
    EXPECT_THAT(list_units(directory()), ElementsAre("often", "rare"));
}

TEST_F(Store, MoreUnitsThanBitsAreFound) {
    {
        auto writer = open();
        for (int i = 0; i < 200; ++i) append(*writer, record_of("unit" + std::to_string(i), std::string(1000, 'x')));
    }
    for (int i : {0, 62, 63, 64, 150, 199}) EXPECT_THAT(texts({.units = {"unit" + std::to_string(i)}}), SizeIs(1)) << i;
}

TEST_F(Store, TheLastAreFoundFromBehind) {
    auto writer = open(1, {.max_bytes = 4U << 20U});
    for (int i = 1; i <= 9000; ++i)
        append(*writer, record_of(i % 3 == 0 ? "b" : "a", std::to_string(i) + std::string(90, ' ')));
    EXPECT_GT(list_segments(directory()).size(), 2U);
    StoreReader reader(directory(), {.units = {"b"}});
    EXPECT_EQ(reader.number_of_last(1), 9000U);
    EXPECT_EQ(reader.number_of_last(2000), 9000U - 3 * 1999);
    EXPECT_EQ(reader.number_of_last(1'000'000), 1U);
    EXPECT_EQ(reader.number_of_last(0), 9001U);
    reader.seek(8999);
    EXPECT_EQ(reader.next()->number, 9000U);
}

TEST_F(Store, SizeAndAgeAreBounded) {
    const Limits limits{.max_bytes = 1U << 20U};
    auto writer = open(1, limits);
    const auto total = [&] {
        std::uint64_t bytes = 0;
        const auto names = sys::list_dir(directory());
        for (const auto& name : *names)
            bytes += static_cast<std::uint64_t>(sys::stat_path(directory() + "/" + name)->st_size);
        return bytes;
    };
    for (int i = 0; i < 5000; ++i) {
        append(*writer, record_of("a", std::string(1000, 'x')));
        ASSERT_LE(total(), limits.max_bytes + limits.segment_bytes());
    }
    EXPECT_GT(total(), limits.max_bytes / 2);
    EXPECT_GT(writer->removed(), 0U);
    // A smaller limit holds as soon as it is set.
    writer->set_limits({.max_bytes = 256U << 10U});
    ASSERT_TRUE(writer->enforce(sys::wall_ns()));
    EXPECT_LE(total(), (256U << 10U) + limits.segment_bytes());
    // What is older than it may be goes, also from the segment that is written.
    writer->set_limits({.max_age_ns = 3600 * kSecond});
    ASSERT_TRUE(writer->enforce(sys::wall_ns() + 2 * 3600 * kSecond));
    EXPECT_THAT(texts(), IsEmpty());
    append(*writer, record_of("a", "new"));
    EXPECT_THAT(texts(), ElementsAre("new"));
}

TEST_F(Store, ManyShortBootsAreBoundedToo) {
    for (int boot = 0; boot < 20; ++boot)
        append(*open(static_cast<std::uint8_t>(boot), {.max_segments = 8}), record_of("a", std::to_string(boot)));
    EXPECT_LE(list_segments(directory()).size(), 9U);
    EXPECT_EQ(texts().back(), "19");
}

// Whatever the last bytes are after a power cut: what was whole before them is there, and what comes after is, too.
TEST_F(Store, ATornEndIsCutAtAnyByte) {
    {
        auto writer = open();
        for (int i = 0; i < 4; ++i) append(*writer, record_of("a", "kept " + std::to_string(i)));
    }
    const auto path = segment_path(directory(), 1);
    const auto whole = *sys::read_file(path);
    ASSERT_TRUE(sys::remove_file(index_path(directory(), 1)));
    std::vector<std::size_t> ends;
    {
        auto reader = SegmentReader::open(path);
        ASSERT_TRUE(reader);
        while (reader->next()) ends.push_back(reader->offset());
    }
    ASSERT_THAT(ends, SizeIs(4));
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        for (const auto& torn : {std::string(), std::string("\xA5\xA5\xA5\xA5garbage"), std::string(8, '\0')}) {
            const auto bytes = whole.substr(0, size) + torn;
            ASSERT_TRUE(sys::write_file(path, bytes));
            std::ignore = sys::remove_file(index_path(directory(), 1));
            // What follows may happen to be what was there.
            const auto kept = static_cast<std::size_t>(std::ranges::count_if(
                ends, [&](auto end) { return bytes.size() >= end && bytes.starts_with(whole.substr(0, end)); }));
            ASSERT_EQ(texts().size(), kept) << size;
            append(*open(), record_of("a", "after"));
            const auto now = texts();
            ASSERT_EQ(now.size(), kept + 1) << size;
            ASSERT_EQ(now.back(), "after");
            for (const auto number : list_segments(directory())) {
                std::ignore = sys::remove_file(segment_path(directory(), number));
                std::ignore = sys::remove_file(index_path(directory(), number));
            }
        }
    }
}

TEST_F(Store, DamageInTheMiddleCostsWhatItHits) {
    {
        auto writer = open();
        for (int i = 0; i < 100; ++i) append(*writer, record_of("a", std::to_string(i)));
    }
    const auto path = segment_path(directory(), 1);
    auto bytes = *sys::read_file(path);
    const auto middle = bytes.size() / 2;
    for (std::size_t i = middle; i < middle + 100; ++i) bytes[i] = static_cast<char>(i * 7);
    ASSERT_TRUE(sys::write_file(path, bytes));
    ASSERT_TRUE(sys::remove_file(index_path(directory(), 1)));
    const auto left = texts();
    EXPECT_GT(left.size(), 94U);
    EXPECT_LT(left.size(), 100U);
    EXPECT_EQ(left.back(), "99");
    // Nothing is written behind damage.
    append(*open(), record_of("a", "after"));
    EXPECT_THAT(list_segments(directory()), SizeIs(2));
    EXPECT_EQ(texts().size(), left.size() + 1);
}

TEST_F(Store, SourcesAreKnownInEachSegment) {
    auto writer = open(1, {.max_bytes = 1U << 20U});
    auto first = record_of("a", "a");
    first.source = "own/a";
    first.position = {7, 70};
    append(*writer, first);
    while (list_segments(directory()).size() < 3) {
        auto other = record_of("b", std::string(500, 'x'));
        other.source = "own/b";
        other.position = {8, other.position.offset + 1};
        append(*writer, other);
    }
    EXPECT_EQ(writer->positions().at("own/a"), (Position{7, 70}));
    writer.reset();
    auto again = open();
    EXPECT_EQ(again->positions().at("own/a"), (Position{7, 70}));
    again->keep_sources({"own/b"});
    EXPECT_THAT(again->positions(), SizeIs(1));
}

TEST(Frames, WhatIsTooLongIsCutAndReadable) {
    Record record;
    record.unit = std::string(1000, 'u');
    record.text = std::string(kMaxText - 1, 'x') + "\xC3\xA4" + "tail";
    for (int i = 0; i < 200; ++i) record.fields.push_back({"f" + std::to_string(i), std::string(10'000, 'v')});
    std::string bytes;
    append_frame(bytes, record, 0);
    const auto found = find_frame(bytes);
    ASSERT_EQ(found.state, Found::State::whole);
    EXPECT_EQ(found.size, bytes.size());
    const auto frame = decode_frame(found.payload);
    ASSERT_TRUE(frame);
    const auto& read = std::get<RecordFrame>(*frame).record;
    EXPECT_EQ(read.text, std::string(kMaxText - 1, 'x'));
    EXPECT_GT(read.fields.size(), 10U);
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // RFC 3720's check value
}

}  // namespace
}  // namespace diatom::journal
