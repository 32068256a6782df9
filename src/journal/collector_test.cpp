// What is written anywhere comes into the store, once.
#include "journal/collector.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal/store_reader.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "tests/support/temp_dir.h"

namespace diatom::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

BootId boot_of(std::uint8_t number) {
    BootId id;
    id.bytes.fill(number);
    return id;
}

class Machine : public ::testing::Test {
protected:
    void SetUp() override {
        places_ = {.own = temp_ / "own",
                   .containers = temp_ / "containers",
                   .kernel = temp_ / "no-kmsg",
                   .container_names = {{"c1", "udev"}}};
        ASSERT_TRUE(sys::make_dirs(places_.own));
        ASSERT_TRUE(sys::make_dirs(places_.containers + "/c1"));
    }
    static std::string line(int time, std::string_view text) {
        return std::format(R"({{"t":{},"m":{},"msg":"{}"}})", time, time, text) + "\n";
    }
    static std::string said(std::string_view text, std::string_view tag = "net") {
        return std::format(R"({{"log":"{}\n","stream":"stdout","attrs":{{"tag":"{}"}},"time":"{}"}})", text, tag,
                           sys::format_rfc3339(sys::wall_ns())) +
               "\n";
    }
    void append(const std::string& path, std::string_view bytes) {
        auto fd = sys::open_path(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        ASSERT_TRUE(fd);
        ASSERT_TRUE(sys::write_all(*fd, bytes));
    }
    std::string own(const char* name) const { return places_.own + "/" + name; }
    std::string container(const std::string& id) const {
        return places_.containers + "/" + id + "/" + id + "-json.log";
    }
    static std::vector<std::string> texts(const std::vector<Record>& records) {
        std::vector<std::string> list;
        for (const auto& record : records) list.push_back(record.unit + " " + record.text);
        return list;
    }
    static std::vector<std::string> take(Sources& sources) {
        std::vector<Record> records;
        while (sources.read(records)) continue;
        return texts(records);
    }
    std::vector<std::string> stored() const {
        StoreReader reader(temp_ / "store", {});
        std::vector<Record> records;
        while (auto record = reader.next()) records.push_back(std::move(*record));
        return texts(records);
    }
    CollectorOptions options(std::uint8_t boot = 1) {
        return {.places = places_,
                .store = temp_ / "store",
                .settings_directory = temp_ / "config",
                .socket = temp_ / "log.sock",
                .boot = boot_of(boot)};
    }
    void run(proc::EventLoop& loop, int milliseconds) {
        const auto end = sys::monotonic_ns() + std::int64_t{milliseconds} * 1'000'000;
        while (sys::monotonic_ns() < end) ASSERT_TRUE(loop.run_once(20));
    }
    test::TempDir temp_;
    Places places_;
};

TEST_F(Machine, SourcesAreMergedByTimeAndFollowed) {
    append(own("init.log.1"), line(1, "old"));
    append(own("init.log"), line(3, "new") + "{\"t\":9,\"m\":9,\"msg\":\"ha");
    append(container("c1"), R"({"log":"x\n","time":"1970-01-01T00:00:00.000000002Z"})"
                            "\n");
    Sources sources(places_, {}, boot_of(1));
    EXPECT_THAT(take(sources), ElementsAre("udev x", "init old", "init new"));
    append(own("init.log"), "lf\"}\n");
    EXPECT_THAT(take(sources), ElementsAre("init half"));
    append(own("late.log"), line(10, "here"));
    EXPECT_THAT(take(sources), ElementsAre("late here"));
    EXPECT_THAT(sources.units(), ElementsAre("init", "kernel", "late", "syslog", "udev"));
}

TEST_F(Machine, RotationLosesNothing) {
    append(own("init.log"), line(1, "a"));
    Sources sources(places_, {}, boot_of(1));
    EXPECT_THAT(take(sources), ElementsAre("init a"));
    append(own("init.log"), line(2, "b"));
    ASSERT_TRUE(sys::rename_path(own("init.log"), own("init.log.1")));
    EXPECT_THAT(take(sources), ElementsAre("init b"));
    append(own("init.log"), line(3, "c"));
    EXPECT_THAT(take(sources), ElementsAre("init c"));
    // Twice, and more, while nobody looked.
    append(own("init.log"), line(4, "d"));
    for (int i = 0; i < 3; ++i) {
        for (int age = 3; age-- > 0;) {
            const auto from = own("init.log") + (age == 0 ? "" : "." + std::to_string(age));
            if (!sys::exists(from)) continue;
            ASSERT_TRUE(sys::rename_path(from, own("init.log") + "." + std::to_string(age + 1)));
        }
        append(own("init.log"), line(5 + i, "e" + std::to_string(i)));
    }
    EXPECT_THAT(take(sources), ElementsAre("init d", "init e0", "init e1", "init e2"));
}

TEST_F(Machine, APositionIsFoundAgainWhateverTheFileIsCalled) {
    append(own("init.log"), line(1, "a") + line(2, "b"));
    Positions positions;
    {
        Sources sources(places_, {}, boot_of(1));
        std::vector<Record> records;
        sources.read(records);
        positions["own/init"] = records.front().position;
    }
    ASSERT_TRUE(sys::rename_path(own("init.log"), own("init.log.1")));
    append(own("init.log"), line(3, "c"));
    Sources sources(places_, positions, boot_of(1));
    EXPECT_THAT(take(sources), ElementsAre("init b", "init c"));
    // It is gone: what is left is newer.
    ASSERT_TRUE(sys::remove_file(own("init.log.1")));
    Sources later(places_, positions, boot_of(1));
    EXPECT_THAT(take(later), ElementsAre("init c"));
}

TEST_F(Machine, ALogLongerThanIsReadAtOnce) {
    std::string many;
    for (int i = 0; i < 20'000; ++i) many += line(i, std::string(50, 'x'));
    append(own("init.log"), many + std::string(600'000, 'y') + "\n" + line(20'000, "end"));
    Sources sources(places_, {}, boot_of(1));
    std::vector<Record> records;
    EXPECT_TRUE(sources.read(records));
    EXPECT_LT(records.size(), 20'000U);
    while (sources.read(records)) continue;
    EXPECT_EQ(records.back().text, "end");
    EXPECT_GT(records.size(), 20'001U) << "what is too long for a line comes in pieces";
}

TEST(Units, AnUnknownOneIsAnErrorThatListsTheKnown) {
    const std::vector<std::string> known{"init", "kernel", "network"};
    EXPECT_TRUE(check_units({}, known));
    EXPECT_TRUE(check_units({"network", "init", "network"}, known));
    const auto wrong = check_units({"init", "netwrk"}, known);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind(), Kind::not_found);
    EXPECT_THAT(wrong.error().what(), HasSubstr("netwrk; did you mean network? units: init, kernel, network"));
    EXPECT_THAT(check_units({"zzzzzzzz"}, known).error().what(), Not(HasSubstr("did you mean")));
}

TEST_F(Machine, EverythingIsKeptOnceWhoeverIsKilled) {
    append(own("init.log"), line(1, "a"));
    append(container("c1"), said("b"));
    for (int i = 0; i < 3; ++i) {
        auto loop = proc::EventLoop::create();
        auto collector = Collector::create(**loop, options());
        ASSERT_TRUE(collector) << collector.error().what();
        append(own("init.log"), line(10 + i, "more" + std::to_string(i)));
        run(**loop, 250);
        // Dropped without finish(): as a process that is killed.
    }
    append(own("init.log"), line(20, "while nobody collected"));
    ASSERT_TRUE(collect_once(places_, temp_ / "store", boot_of(1), {}));
    EXPECT_THAT(stored(), ElementsAre("init a", "net b", "init more0", "init more1", "init more2",
                                      "init while nobody collected"));
    ASSERT_TRUE(collect_once(places_, temp_ / "store", boot_of(1), {}));
    EXPECT_EQ(stored().size(), 6U);
}

TEST_F(Machine, NewFilesAndContainersAreSeen) {
    auto loop = proc::EventLoop::create();
    auto collector = Collector::create(**loop, options());
    ASSERT_TRUE(collector);
    append(own("late.log"), line(1, "a"));
    ASSERT_TRUE(sys::make_dirs(places_.containers + "/c2"));
    run(**loop, 250);
    append(container("c2"), said("first", "web"));
    run(**loop, 250);
    append(container("c2"), said("second", "web"));
    run(**loop, 250);
    EXPECT_THAT(stored(), ElementsAre("late a", "web first", "web second"));
}

TEST_F(Machine, DatagramsOfSyslog) {
    auto loop = proc::EventLoop::create();
    auto collector = Collector::create(**loop, options());
    ASSERT_TRUE(collector);
    auto client = sys::connect_unix(temp_ / "log.sock", sys::SocketType::datagram);
    ASSERT_TRUE(client);
    ASSERT_TRUE(sys::send_message(*client, "<30>prog[1]: hello"));
    run(**loop, 250);
    ASSERT_TRUE((*collector)->finish());
    StoreReader reader(temp_ / "store", {});
    const auto record = reader.next();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->unit, "syslog");
    EXPECT_EQ(*record->field("pid"), std::to_string(::getpid()));
    EXPECT_EQ(*record->field("uid"), std::to_string(::getuid()));
}

TEST_F(Machine, SettingsHoldWhileItRuns) {
    std::vector<Settings> seen;
    auto with = options();
    with.changed = [&](const Settings& settings) { seen.push_back(settings); };
    auto loop = proc::EventLoop::create();
    auto collector = Collector::create(**loop, std::move(with));
    ASSERT_TRUE(collector);
    append(own("a.log"), R"({"t":1,"m":1,"level":"debug","msg":"not kept"})"
                         "\n");
    run(**loop, 250);
    EXPECT_THAT(stored(), IsEmpty());
    const Settings settings{.level = Priority::debug, .forward = {"udp://a:1"}};
    ASSERT_TRUE(sys::replace_file(temp_ / "config/log.json", settings.encode()));
    run(**loop, 50);
    append(own("a.log"), R"({"t":1,"m":1,"level":"debug","msg":"kept"})"
                         "\n");
    run(**loop, 250);
    EXPECT_THAT(stored(), ElementsAre("a kept"));
    EXPECT_THAT(seen, ElementsAre(Settings{}, settings));
    // What is wrong changes nothing.
    ASSERT_TRUE(sys::replace_file(temp_ / "config/log.json", "{"));
    run(**loop, 50);
    EXPECT_EQ(seen.back(), settings);
}

}  // namespace
}  // namespace diatom::journal
