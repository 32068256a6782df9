#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/boot_chart.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cli/log_sources.h"
#include "cli/memory.h"
#include "sys/file.h"

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
                                      {"state", 350},
                                      {"system engine started", 360},
                                      {"system engine ready", 400},
                                      {"container udev started", 420},
                                      {"container user-engine started", 430},
                                      {"container udev ready", 500},
                                      {"user engine ready", 600}};
    const auto phases = boot_phases(marks);
    std::vector<std::string> names;
    for (const auto& p : phases) names.push_back(std::format("{} {}-{}", p.name, p.begin_us, p.end_us));
    EXPECT_THAT(names, ElementsAre("kernel 0-300", "mounts 300-310", "state partition 310-350",
                                   "system engine ready 360-400", "udev started 400-420", "user-engine started 400-430",
                                   "udev ready 420-500", "user engine ready 430-600"));
    const auto picture = draw_boot(phases, 30);
    EXPECT_THAT(picture, HasSubstr("kernel  ███████████████  "));
    EXPECT_EQ(std::ranges::count(picture, '\n'), 9);
    const auto list = encode_boot(marks);
    EXPECT_EQ(list.size(), marks.size());
    EXPECT_EQ(list[8]["begin_us"], 430);
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

TEST(LogRecords, EachFormat) {
    const auto kernel = parse_kernel_record("4,339,1500000,-;oops\n SUBSYSTEM=x\n", 1'000'000'000);
    ASSERT_TRUE(kernel);
    EXPECT_EQ(kernel->time, 2'500'000'000);
    EXPECT_EQ(kernel->level, "warning");
    EXPECT_EQ(kernel->text, "oops");
    for (const auto* bad : {"", ";", "x,y,z;t", "1,2;t", " KEY=value", "1,1,-5,-;t"})
        EXPECT_FALSE(parse_kernel_record(bad, 0)) << bad;

    const auto own = parse_own_line(R"({"t":5,"m":1,"level":"error","unit":"init","msg":"it broke","pid":7})", "x");
    EXPECT_EQ(own.unit, "init");
    EXPECT_EQ(own.text, "it broke pid=7");
    EXPECT_EQ(parse_own_line("panic!", "init").text, "panic!");

    const auto container =
        parse_container_line(R"({"log":"hello\r\n","stream":"stdout","time":"2026-11-23T10:56:26.5Z"})", "udev");
    EXPECT_EQ(container.text, "hello");
    EXPECT_EQ(format_short(container), "2026-11-23T10:56:26.500000Z udev: hello");
    EXPECT_EQ(Json::parse(format_json(container))["unit"], "udev");
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

class LogDir : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/diatom-logs-XXXXXX";
        directory_ = ::mkdtemp(name);
        places_ = {directory_ + "/own", directory_ + "/containers", directory_ + "/no-kmsg", {{"c1", "udev"}}};
        ASSERT_TRUE(sys::make_dirs(places_.own));
        ASSERT_TRUE(sys::make_dirs(places_.containers + "/c1"));
    }
    void TearDown() override { std::ignore = sys::remove_tree(directory_); }
    static std::string line(int time, std::string_view text) {
        return std::format(R"({{"t":{},"msg":"{}"}})", time, text) + "\n";
    }
    static std::vector<std::string> texts(const std::vector<LogRecord>& records) {
        std::vector<std::string> list;
        for (const auto& record : records) list.push_back(record.unit + " " + record.text);
        return list;
    }
    void append(const std::string& path, std::string_view bytes) {
        auto fd = sys::open_path(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        ASSERT_TRUE(fd);
        ASSERT_TRUE(sys::write_all(*fd, bytes));
    }
    std::string directory_;
    LogPlaces places_;
};

TEST_F(LogDir, MemoryOfAContainerIsItsCgroups) {
    ASSERT_TRUE(sys::make_dirs(directory_ + "/diatom/user/c1"));
    append(directory_ + "/diatom/user/c1/memory.current", "1302528\n");
    EXPECT_EQ(*read_container_memory("user", "c1", directory_), 1302528U);
    EXPECT_FALSE(read_container_memory("system", "c1", directory_));
}

TEST_F(LogDir, MergesByTimeAndFollows) {
    const auto init = places_.own + "/init.log";
    append(init + ".1", line(1, "old"));
    append(init, line(3, "new") + "{\"t\":9,\"msg\":\"ha");
    append(places_.containers + "/c1/c1-json.log", "{\"log\":\"x\\n\",\"time\":\"1970-01-01T00:00:00.000000002Z\"}\n");
    LogSources sources(places_);
    EXPECT_THAT(texts(sources.read()), ElementsAre("init old", "udev x", "init new"));
    append(init, "lf\"}\n");
    EXPECT_THAT(texts(sources.read()), ElementsAre("init half"));
    append(places_.own + "/late.log", line(10, "here"));
    EXPECT_THAT(texts(sources.read()), ElementsAre("late here"));
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

TEST_F(LogDir, RotationLosesNothing) {
    const auto init = places_.own + "/init.log";
    append(init, line(1, "a"));
    LogSources sources(places_);
    EXPECT_EQ(sources.read().size(), 1U);
    append(init, line(2, "b"));
    ASSERT_TRUE(sys::rename_path(init, init + ".1"));
    append(init, line(3, "c"));
    EXPECT_THAT(texts(sources.read()), ElementsAre("init b", "init c"));
}

TEST_F(LogDir, UnitsAreWhoeverHasOrWillHaveALog) {
    append(places_.own + "/init.log", line(1, "a"));
    append(places_.own + "/init.log.1", line(0, "z"));
    append(places_.containers + "/c1/c1-json.log", "");
    places_.container_names["c2"] = "network";  // has said nothing yet
    EXPECT_THAT(LogSources(places_).units(), ElementsAre("init", "kernel", "network", "udev"));
}

TEST(LogUnits, AnUnknownOneIsAnErrorThatListsTheKnown) {
    const std::vector<std::string> known{"init", "kernel", "network"};
    EXPECT_TRUE(check_units({}, known));
    EXPECT_TRUE(check_units({"network", "init", "network"}, known));
    const auto wrong = check_units({"init", "netwrk"}, known);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind(), Kind::not_found);
    EXPECT_THAT(wrong.error().what(), HasSubstr("netwrk; did you mean network? units: init, kernel, network"));
    EXPECT_THAT(check_units({"zzzzzzzz"}, known).error().what(), Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace diatom::cli
