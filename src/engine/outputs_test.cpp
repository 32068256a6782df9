// Output comes together where it is there together, and alone where it is alone.
#include "engine/stdio.h"
#include "engine/testing/fixture.h"

namespace diatom::engine {
namespace {

using OutputsTest = testing::EngineTest;

std::string text_of(const Outputs& outputs) {
    std::string text;
    for (const auto& output : outputs) text += output.bytes;
    return text;
}

TEST_F(OutputsTest, ALongLogIsFewReads) {
    constexpr int kLines = 20'000;
    const auto id = create({"seq", "1", std::to_string(kLines)});
    start(id);
    EXPECT_EQ(wait(id), 0);
    const auto reader = run(engine().logs(id, {})).value();
    std::string text, expected;
    std::size_t reads = 0, largest = 0;
    for (;; ++reads) {
        const auto lines = run(reader->next()).value();
        if (lines.empty()) break;
        std::size_t together = 0;
        for (const auto& line : lines) together += line.footprint();
        largest = std::max(largest, together);
        text += text_of(lines);
    }
    for (int i = 1; i <= kLines; ++i) expected += std::to_string(i) + "\n";
    EXPECT_EQ(text, expected);
    EXPECT_LT(reads, kLines / 100);
    EXPECT_LE(largest, kOutputsTogether + sizeof(Output) + kMaxLogLine);
}

TEST_F(OutputsTest, AFollowerHasALoneLineAtOnce) {
    const auto id = create({"sh", "-c", "echo first; read line; echo second; read line"}, {.open_stdin = true});
    auto client = attach(id, {.in = true});
    start(id);
    const auto reader = run(engine().logs(id, {.follow = true})).value();
    EXPECT_EQ(text_of(run(reader->next()).value()), "first\n");
    EXPECT_TRUE(run(client->write("on\n")));
    EXPECT_EQ(text_of(run(reader->next()).value()), "second\n");
    EXPECT_TRUE(run(client->write("on\n")));
    EXPECT_EQ(wait(id), 0);
    EXPECT_TRUE(run(reader->next()).value().empty());
}

TEST_F(OutputsTest, TheEndOfAQueryEndsItInTheMiddleOfWhatIsThere) {
    const auto id = create({"sh", "-c", "echo before; sleep 0.2; echo after"});
    start(id);
    EXPECT_EQ(wait(id), 0);
    const auto all = run(run(engine().logs(id, {})).value()->next()).value();
    ASSERT_EQ(all.size(), 2U);
    const auto reader = run(engine().logs(id, {.follow = true, .until = all[0].time})).value();
    EXPECT_EQ(text_of(run(reader->next()).value()), "before\n");
    EXPECT_TRUE(run(reader->next()).value().empty());
}

class OutputQueueTest : public ::testing::Test, protected testing::LoopDriver {
protected:
    void SetUp() override { loop_ = std::make_unique<asio::io_context>(1); }
};

TEST_F(OutputQueueTest, GivesWhatIsQueuedUpToABound) {
    OutputQueue queue(loop_->get_executor());
    for (int i = 0; i < 100; ++i) queue.push({.bytes = "x\n"});
    EXPECT_EQ(run(queue.pop()).value().size(), 100U);
    queue.push({.bytes = "alone\n"});
    EXPECT_EQ(text_of(run(queue.pop()).value()), "alone\n");
    for (int i = 0; i < 3; ++i) queue.push({.bytes = std::string(kOutputsTogether / 2, 'x')});
    EXPECT_EQ(run(queue.pop()).value().size(), 2U);
    queue.end();
    EXPECT_EQ(run(queue.pop()).value().size(), 1U);
    EXPECT_TRUE(run(queue.pop()).value().empty());
}

}  // namespace
}  // namespace diatom::engine
