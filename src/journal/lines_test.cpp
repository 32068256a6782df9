// What programs write as records, and records as what others read.
#include "journal/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "journal/print.h"
#include "journal/settings.h"
#include "journal/syslog_message.h"

namespace diatom::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Clocks kClocks{.wall = 1'000'000'000'000, .boot = 10'000'000'000};

TEST(Lines, OfTheKernel) {
    const auto line = parse_kernel_line("28,339,1500000,-;oops\n SUBSYSTEM=pci\n DEVICE=+pci:0000\n", kClocks);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->sequence, 339U);
    EXPECT_EQ(line->record.since_boot, 1'500'000'000);
    EXPECT_EQ(line->record.time, 991'500'000'000);
    EXPECT_EQ(line->record.priority, Priority::warning);
    EXPECT_EQ(line->record.facility, Facility::daemon);
    EXPECT_EQ(line->record.unit, "kernel");
    EXPECT_EQ(line->record.text, "oops");
    EXPECT_THAT(line->record.fields, ElementsAre(Field{"subsystem", "pci"}, Field{"device", "+pci:0000"}));
    for (const auto* bad : {"", ";", "x,y,z;t", "1,2;t", " KEY=value", "1,1,-5,-;t", "1,x,5,-;t", "999,1,5,-;t"})
        EXPECT_FALSE(parse_kernel_line(bad, kClocks)) << bad;
}

TEST(Lines, OfOurOwn) {
    const auto own =
        parse_own_line(R"({"t":5,"m":1,"level":"error","unit":"init","msg":"it broke","pid":7})", "x", kClocks);
    EXPECT_EQ(own.time, 5);
    EXPECT_EQ(own.since_boot, 1);
    EXPECT_EQ(own.unit, "init");
    EXPECT_EQ(own.priority, Priority::error);
    EXPECT_EQ(format_short(own), "1970-01-01T00:00:00.000000Z init: error: it broke pid=7");
    const auto panic = parse_own_line("panic!", "init", kClocks);
    EXPECT_EQ(panic.text, "panic!");
    EXPECT_EQ(panic.time, kClocks.wall);
}

TEST(Lines, OfAContainer) {
    const auto line =
        R"({"log":"<3>hello\r\n","stream":"stderr","attrs":{"tag":"udev","x":"y"},"time":"1970-01-01T00:16:38Z"})";
    const auto container = parse_container_line(line, "abc", kClocks);
    EXPECT_EQ(container.text, "hello");
    EXPECT_EQ(container.unit, "udev");
    EXPECT_EQ(container.priority, Priority::error);
    EXPECT_EQ(container.since_boot, 8'000'000'000);
    EXPECT_THAT(container.fields, ElementsAre(Field{"stream", "stderr"}, Field{"x", "y"}));
    EXPECT_EQ(parse_container_line("{", "abc", kClocks).unit, "abc");
}

TEST(Lines, OfSyslogAsProgramsWriteIt) {
    const auto of = [](std::string_view text) { return parse_syslog(text, kClocks); };
    const auto ssh = of("<86>Nov  3 10:56:26 sshd[77]: Accepted publickey for core\n");
    EXPECT_EQ(ssh.priority, Priority::info);
    EXPECT_EQ(static_cast<int>(ssh.facility), 10);
    EXPECT_EQ(ssh.text, "Accepted publickey for core");
    EXPECT_THAT(ssh.fields, ElementsAre(Field{"identifier", "sshd"}, Field{"said_pid", "77"}));
    EXPECT_EQ(ssh.time, kClocks.wall);
    EXPECT_EQ(of("<30>cron: started").text, "started");
    EXPECT_EQ(*of("<30>cron: started").field("identifier"), "cron");
    EXPECT_EQ(of(std::string_view("<30>plain text\0", 15)).text, "plain text");
    EXPECT_EQ(of("no priority").priority, Priority::notice);
    EXPECT_EQ(of("<0>pretends to be the kernel").facility, Facility::user);
    EXPECT_EQ(of("<999>x").text, "<999>x");
    EXPECT_EQ(of("<13>a[b: c").text, "a[b: c");
    EXPECT_EQ(of("").text, "");
}

TEST(Lines, OfSyslogAsItIsWrittenDown) {
    const auto record = parse_syslog(
        "<165>1 2003-10-11T22:14:15.003Z host.example app 1234 ID47 "
        "[example@32473 iut=\"3\" source=\"a \\\"b\\\" \\] \\\\\"][other x=\"y\"] \xEF\xBB\xBFthe text",
        kClocks);
    EXPECT_EQ(record.text, "the text");
    EXPECT_EQ(static_cast<int>(record.facility), 20);
    EXPECT_EQ(record.priority, Priority::notice);
    EXPECT_THAT(record.fields, ElementsAre(Field{"identifier", "app"}, Field{"said_pid", "1234"},
                                           Field{"message_id", "ID47"}, Field{"example@32473.iut", "3"},
                                           Field{"example@32473.source", "a \"b\" ] \\"}, Field{"other.x", "y"}));
    const auto bare = parse_syslog("<14>1 - - - - - -", kClocks);
    EXPECT_EQ(bare.text, "");
    EXPECT_THAT(bare.fields, IsEmpty());
    // What only looks like it is text.
    for (const auto* bad :
         {"<14>1 - - - - - [x", "<14>1 - - - - - [x y=\"z", "<14>1 - - - - - [x]z", "<14>1 - - - - - ["})
        EXPECT_THAT(parse_syslog(bad, kClocks).text, HasSubstr("1 - - - -")) << bad;
}

Record sample() {
    Record record;
    record.number = 7;
    record.time = 1'764'412'586'123'456'789;
    record.since_boot = 5'000'000'000;
    record.priority = Priority::warning;
    record.unit = "web";
    record.text = "two\nlines";
    record.fields = {{"pid", "12"}, {"path", "a b"}, {"_odd-name", "\x01"}};
    record.source = "own/web";
    return record;
}

TEST(Print, ForPeople) {
    EXPECT_EQ(format_short(sample()),
              "2025-11-29T10:36:26.123456Z web: warning: two\nlines pid=12 path=\"a b\" _odd-name=\x01");
}

TEST(Print, AsJson) {
    const auto json = Json::parse(format_json(sample()));
    EXPECT_EQ(json["unit"], "web");
    EXPECT_EQ(json["level"], "warning");
    EXPECT_EQ(json["time"], "2025-11-29T10:36:26.123456789Z");
    EXPECT_EQ(json["number"], 7);
    EXPECT_EQ(json["fields"]["path"], "a b");
    EXPECT_EQ(json["text"], "two\nlines");
}

TEST(Print, ForTheJournal) {
    const auto text = format_export(sample(), {.name = "box", .machine_id = std::string(32, 'a')});
    EXPECT_THAT(text, HasSubstr("__REALTIME_TIMESTAMP=1764412586123456\n__MONOTONIC_TIMESTAMP=5000000\n"));
    EXPECT_THAT(text, HasSubstr("\nPRIORITY=4\n"));
    EXPECT_THAT(text, HasSubstr("\n_HOSTNAME=box\n"));
    EXPECT_THAT(text, HasSubstr("\nSYSLOG_IDENTIFIER=web\n"));
    EXPECT_THAT(text, HasSubstr(std::string("\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n", 27)));
    EXPECT_THAT(text, HasSubstr("\nPID=12\n"));
    EXPECT_THAT(text, HasSubstr(std::string("\nODD_NAME\n\x01\0\0\0\0\0\0\0\x01\n", 20)));
    EXPECT_TRUE(text.ends_with("\n\n"));
}

TEST(Print, ForSyslog) {
    const auto message = format_syslog(sample(), {.name = "box", .machine_id = {}}, 8192);
    EXPECT_EQ(message,
              "<28>1 2025-11-29T10:36:26.123456Z box web 12 - [timeQuality tzKnown=\"1\"]"
              "[meta sequenceId=\"8\" sysUpTime=\"500\"] two#012lines pid=12 path=\"a b\" _odd-name=#001");
    EXPECT_EQ(format_syslog(sample(), {}, 50).size(), 50U);
    Record odd;
    odd.unit = "a b\xC3\xA4" + std::string(100, 'x');
    EXPECT_THAT(format_syslog(odd, {}, 8192), HasSubstr("Z - a_b__" + std::string(43, 'x') + " - - ["));
}

TEST(Settings, SayWhatTheyAreTold) {
    Settings settings{.level = Priority::debug, .max_bytes = 5, .max_age_ns = 7, .forward = {"udp://a:1"}};
    EXPECT_EQ(*Settings::decode(settings.encode()), settings);
    EXPECT_EQ(*Settings::decode("{}"), Settings{});
    EXPECT_EQ(*Settings::read("/nonexistent"), Settings{});
    EXPECT_FALSE(Settings::decode(R"({"level":"loud"})"));
    EXPECT_EQ(limits_of({}, std::uint64_t{1} << 40U).max_bytes, 64U << 20U);
    EXPECT_EQ(limits_of({}, 192U << 20U).max_bytes, 6U << 20U);
    EXPECT_EQ(limits_of(settings, 0).max_bytes, 1U << 20U);
    EXPECT_EQ(limits_of({.max_bytes = 1U << 30U}, 0).max_bytes, 1U << 30U);
}

TEST(Settings, Receivers) {
    EXPECT_EQ(Receiver::parse("udp://log.example")->url(), "udp://log.example:514");
    EXPECT_EQ(Receiver::parse("tcp://192.0.2.1/")->url(), "tcp://192.0.2.1:601");
    EXPECT_EQ(Receiver::parse("tls://[2001:db8::1]")->url(), "tls://[2001:db8::1]:6514");
    EXPECT_EQ(Receiver::parse("tls://[2001:db8::1]:7")->host, "2001:db8::1");
    for (const auto* bad : {"", "log.example", "http://a", "udp://", "udp://a:", "udp://a:0", "udp://a:99999",
                            "udp://a:x", "udp://a/b", "tls://[::1", "udp://u@h"})
        EXPECT_FALSE(Receiver::parse(bad)) << bad;
}

}  // namespace
}  // namespace diatom::journal
