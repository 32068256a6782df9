#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/boot_chart.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cli/log_query.h"
#include "cli/memory.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Commands, NamesAreUniqueAndFound) {
    for (const auto& command : commands()) EXPECT_EQ(find_command(command.name), &command);
    EXPECT_EQ(find_command("dance"), nullptr);
    ASSERT_NE(find_command("init"), nullptr);
    EXPECT_EQ(find_command("init")->linked, Linked::sbin);
    EXPECT_NE(exit_code(Kind::invalid), 0);
}

Result<Arguments> parse(std::vector<std::string> words, Order order = Order::mixed) {
    static constexpr std::array<OptionSpec, 2> kSpecs{{{"--lines", 'n', true, ""}, {"--follow", 'f', false, ""}}};
    std::vector<char*> args;
    for (auto& word : words) args.push_back(word.data());
    return parse_arguments(args, kSpecs, order);
}

TEST(Arguments, OptionsAndTheRest) {
    const auto a = parse({"logs", "-n", "5", "--follow", "udev", "--", "-"});
    EXPECT_FALSE(a);  // "--" is no option
    const auto b = parse({"logs", "--lines=5", "-f", "udev"});
    ASSERT_TRUE(b);
    EXPECT_EQ(b->value("--lines"), "5");
    EXPECT_TRUE(b->has("--follow"));
    EXPECT_THAT(b->rest, ElementsAre("udev"));
    const auto c = parse({"logs", "-n", "1", "--lines=2"});
    ASSERT_TRUE(c);
    EXPECT_EQ(c->value("--lines"), "2");
    EXPECT_THAT(c->values("--lines"), ElementsAre("1", "2"));
    EXPECT_THAT(c->values("--follow"), ElementsAre());
    EXPECT_THAT(parse({"logs", "--folow"}).error().what(), HasSubstr("did you mean --follow?"));
    EXPECT_THAT(parse({"logs", "-n"}).error().what(), HasSubstr("needs a value"));
    EXPECT_THAT(parse({"logs", "--follow=1"}).error().what(), HasSubstr("takes no value"));
}

TEST(Arguments, AnotherCommandsLineIsNotLookedInto) {
    const auto a = parse({"exec", "-n", "5", "box", "ls", "--folow", "-x"}, Order::options_first);
    ASSERT_TRUE(a) << a.error().what();
    EXPECT_THAT(a->rest, ElementsAre("box", "ls", "--folow", "-x"));
    const auto b = parse({"exec", "--", "-box", "ls"}, Order::options_first);
    ASSERT_TRUE(b) << b.error().what();
    EXPECT_THAT(b->rest, ElementsAre("-box", "ls"));
}

TEST(Boot, PhasesFollowFromMarks) {
    const std::vector<BootMark> marks{{"kernel", 300},
                                      {"mounts", 310},
                                      {"state", 340},
                                      {"configuration", 350},
                                      {"system engine started", 360},
                                      {"system engine ready", 400},
                                      {"container udev started", 420},
                                      {"container user-engine started", 430},
                                      {"container udev ready", 500},
                                      {"user engine ready", 600}};
    const auto phases = boot_phases(marks);
    std::vector<std::string> names;
    for (const auto& p : phases) names.push_back(std::format("{} {}-{}", p.name, p.begin_us, p.end_us));
    EXPECT_THAT(names, ElementsAre("kernel 0-300", "mounts 300-310", "state partition 310-340", "configuration 340-350",
                                   "system engine ready 360-400", "udev started 400-420", "user-engine started 400-430",
                                   "udev ready 420-500", "user engine ready 430-600"));
    const auto picture = draw_boot(phases, 30);
    EXPECT_THAT(picture, HasSubstr("kernel  ███████████████  "));
    EXPECT_EQ(std::ranges::count(picture, '\n'), 10);
    const auto list = encode_boot(marks);
    EXPECT_EQ(list.size(), marks.size());
    EXPECT_EQ(list[9]["begin_us"], 430);
    EXPECT_EQ(draw_boot({}, 30).find("█"), std::string::npos);
}

TEST(Boot, MarksAreDecodedStrictly) {
    EXPECT_FALSE(decode_marks(Json::object()));
    EXPECT_FALSE(decode_marks(Json::parse(R"([{"name":1}])")));
    EXPECT_EQ(decode_marks(Json::parse(R"([{"name":"b","at_us":2},{"name":"a","at_us":1}])"))->front().name, "a");
}

TEST(Http, BodyOfAnAnswer) {
    EXPECT_EQ(*http_body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "{}");
    EXPECT_EQ(http_body("HTTP/1.1 503 No\r\n\r\n").error().kind(), Kind::unavailable);
    EXPECT_FALSE(http_body(""));
    EXPECT_FALSE(http_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0"));
    EXPECT_EQ(http_get("/nonexistent.sock", "/").error().kind(), Kind::unavailable);
}

constexpr std::string_view kMeminfo =
    "MemTotal:         754140 kB\nMemFree:          674908 kB\nMemAvailable:     656104 kB\nHugePages_Total:       0\n";

TEST(MemoryFigures, AreTheKernelsOwn) {
    const auto memory = parse_meminfo(kMeminfo);
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->total, 754140U * 1024);
    EXPECT_EQ(memory->available, 656104U * 1024);
    EXPECT_EQ(memory->used(), (754140U - 656104U) * 1024);
    EXPECT_GT(read_memory()->total, 0U);
}

TEST(MemoryFigures, AreNeverMadeUp) {
    for (const auto* bad :
         {"", "MemTotal: 5 kB\n", "MemTotal: 5 kB\nMemAvailable: x kB\n", "MemTotal: 5\nMemAvailable: 5\n",
          "MemTotal: 5 kB\nMemAvailable: 6 kB\n", "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n"})
        EXPECT_FALSE(parse_meminfo(bad)) << bad;
    EXPECT_FALSE(read_memory("/nonexistent"));
    EXPECT_FALSE(read_container_memory("user", "none", "/nonexistent"));
}

TEST(MemoryFigures, OfAContainerAreItsCgroups) {
    const test::TempDir cgroups;
    ASSERT_TRUE(sys::make_dirs(cgroups / "diatom/user/c1"));
    ASSERT_TRUE(sys::write_file(cgroups / "diatom/user/c1/memory.current", "1302528\n"));
    EXPECT_EQ(*read_container_memory("user", "c1", cgroups.path()), 1302528U);
    EXPECT_FALSE(read_container_memory("system", "c1", cgroups.path()));
}

class LogQueries : public testing::Test {
protected:
    static journal::BootId boot(std::uint8_t number) {
        journal::BootId id;
        id.bytes.fill(number);
        return id;
    }
    Result<LogQuery> decode(std::vector<std::string> words) const {
        words.insert(words.begin(), "logs");
        std::vector<char*> args;
        for (auto& word : words) args.push_back(word.data());
        return decode_log_query(TRY(parse_arguments(args, log_options())), boots_, boot(3));
    }
    // The boot that runs has nothing in the store yet.
    std::vector<journal::BootSpan> boots_{{boot(1), 1, 5, 0, 1'000'000'000},
                                          {boot(2), 5, 9, 2'000'000'000, 3'000'000'000}};
};

TEST_F(LogQueries, SayWhatIsWanted) {
    const auto all = decode({"udev", "-u", "network", "--unit", "init", "-p", "warning", "-n", "5", "-F", "pid=7",
                             "--since", "1970-01-01T00:00:01Z", "--until=2", "-o", "export", "-f"});
    ASSERT_TRUE(all) << all.error().what();
    EXPECT_THAT(all->query.units, ElementsAre("udev", "network", "init"));
    EXPECT_EQ(all->query.priority, journal::Priority::warning);
    EXPECT_THAT(all->query.fields, ElementsAre(journal::Field{"pid", "7"}));
    EXPECT_EQ(all->query.since, 1'000'000'000);
    EXPECT_EQ(all->query.until, 2'000'000'000);
    EXPECT_EQ(all->lines, 5U);
    EXPECT_EQ(all->format, LogFormat::journal);
    EXPECT_TRUE(all->follow);
    for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
             {"-p", "loud"}, {"-n", "x"}, {"-F", "pid"}, {"-F", "=7"}, {"--since", "soon"}, {"-o", "xml"}})
        EXPECT_EQ(decode(bad).error().kind(), Kind::invalid) << bad.back();
}

TEST_F(LogQueries, BootsCountBackFromTheOneThatRuns) {
    EXPECT_EQ(decode({"-b", "0"})->query.boot, boot(3));
    EXPECT_EQ(decode({"-b", "-1"})->query.boot, boot(2));
    EXPECT_EQ(decode({"--boot=-2"})->query.boot, boot(1));
    EXPECT_THAT(decode({"-b", "-3"}).error().what(), HasSubstr("only 3 boots are kept"));
    EXPECT_EQ(decode({"-b", "0202"})->query.boot, boot(2));
    EXPECT_THAT(decode({"-b", "ffff"}).error().what(), HasSubstr("--list-boots"));
    EXPECT_EQ(decode({})->query.boot, std::nullopt);
    EXPECT_THAT(draw_boots(boots_, boot(3)), HasSubstr("   -2 01010101010101010101010101010101 1970-01-01T00:00:00"));
    EXPECT_THAT(draw_boots(boots_, boot(2)), HasSubstr("    0 0202"));
}

TEST(Check, ALineForEachThatDoesNotHold) {
    const Json good{{"holds", true}, {"findings", Json::array()}, {"skipped", Json::array()}, {"containers", 3},
                    {"running", 2},  {"descriptors", 40}};
    EXPECT_TRUE(all_hold({{"user", good}}));
    EXPECT_FALSE(all_hold(Json::object())) << "nobody said that all is well";
    EXPECT_FALSE(all_hold({{"user", Json::object()}}));
    Json bad = good;
    bad["holds"] = false;
    bad["findings"] = {{{"what", "a mount"}, {"where", "/x"}, {"advice", "umount it"}}};
    bad["skipped"] = {"PID 1: no socket"};
    EXPECT_FALSE(all_hold({{"system", good}, {"user", bad}}));
    EXPECT_EQ(draw_check({{"system", good}, {"user", bad}}),
              "system engine all invariants hold: 3 containers, 2 running, 40 descriptors\n"
              "user engine   1 does not hold: 3 containers, 2 running, 40 descriptors\n"
              "  VIOLATION   a mount: /x; umount it\n"
              "  not checked PID 1: no socket\n");
}

TEST(Check, AnEngineThatDoesNotAnswerIsNoGoodNews) {
    std::vector<std::string> words{"system", "check", "--scope=both"};
    std::vector<char*> args;
    for (auto& word : words) args.push_back(word.data());
    EXPECT_EQ(system_command(args), exit_code(Kind::invalid));
    words[2] = "--format=xml";
    args[2] = words[2].data();
    EXPECT_EQ(system_command(args), exit_code(Kind::invalid));
    EXPECT_EQ(system_command(std::span(args).first(1)), exit_code(Kind::invalid));
}

}  // namespace
}  // namespace diatom::cli
