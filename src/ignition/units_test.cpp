#include "ignition/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/services.h"
#include "ignition/ignition.h"
#include "machine/check.h"

namespace diatom::ignition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Declared {
    std::string name, contents;
    std::string more = R"(,"enabled":true)";
};

std::string quoted(const std::string& text) { return to_json(Value::of(text), JsonStyle::compact); }

Translation translated(const std::vector<Declared>& units) {
    std::string list;
    for (const auto& [name, contents, more] : units) {
        if (!list.empty()) list += ",";
        list += std::format(R"({{"name":{}{}{}}})", quoted(name),
                            contents.empty() ? "" : R"(,"contents":)" + quoted(contents), more);
    }
    return translate(std::format(R"({{"ignition":{{"version":"3.4.0"}},"systemd":{{"units":[{}]}}}})", list), "u.ign",
                     {});
}

constexpr const char* kInstall = "\n[Install]\nWantedBy=multi-user.target\n";

std::string service_of(const std::string& directives) { return "[Service]\n" + directives + kInstall; }

Value define(const Translation& result, std::string_view name) {
    EXPECT_THAT(result.report.problems, IsEmpty());
    return result.machine.at("services").at("define").at(name);
}

// What becomes of it is a system service of the machine.
void expect_service(const Translation& result) {
    auto document = Value::map();
    document.set("services", result.machine.at("services").at("define"));
    const auto services = config::parse_services(to_yaml(document), "made.yml");
    EXPECT_TRUE(services) << (services ? "" : services.error().what()) << to_yaml(document);
}

std::string refused(const std::string& contents, const std::string& name = "a.service") {
    const auto result = translated({{name, contents}});
    EXPECT_TRUE(result.machine.is_null() || result.machine.members().empty());
    return result.report.problems.empty() ? "" : result.report.problems.front();
}

TEST(IgnitionUnits, OneCommandStaysOne) {
    const auto result = translated(
        {{"web.service", "[Unit]\nDescription=Web\nAfter=network-online.target\nWants=network-online.target\n" +
                             service_of("ExecStart=/usr/bin/web --port 80\nRestart=always\nRestartSec=5\n"
                                        "Environment=A=1 \"B=x y\"\nUser=core\nGroup=web\nWorkingDirectory=/srv\n"
                                        "TimeoutStopSec=1min\nKillSignal=SIGINT\n")}});
    EXPECT_EQ(
        to_json(define(result, "web"), JsonStyle::compact),
        R"({"environment":{"PATH":"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","A":"1","B":"x y"},)"
        R"("image":"diatom/host","privileged":true,"network_mode":"host","pid":"host","ipc":"host","uts":"host",)"
        R"("cgroup":"host","user":"core:web","working_dir":"/srv","restart":"always","stop_signal":"SIGINT",)"
        R"("stop_grace_period":"60s","labels":{"io.rancher.os.scope":"system"},"command":["/usr/bin/web","--port","80"],)"
        R"("depends_on":{"network":{"condition":"service_healthy","required":false}}})");
    expect_service(result);
    EXPECT_THAT(result.report.warnings, IsEmpty());
}

TEST(IgnitionUnits, AOneshotEndsBeforeWhatIsAfterIt) {
    const auto result =
        translated({{"setup.service", "[Unit]\nConditionPathExists=!/var/lib/done\nBefore=web.service\n" +
                                          service_of("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b "
                                                     "${X}\nRemainAfterExit=yes\nEnvironmentFile=-/etc/x.env")},
                    {"web.service", service_of("ExecStart=/bin/web")}});
    EXPECT_EQ(to_json(define(result, "web").at("depends_on"), JsonStyle::compact),
              R"({"setup":{"condition":"service_completed_successfully","required":false}})");
    const auto setup = define(result, "setup");
    EXPECT_EQ(setup.at("labels").text_of("io.rancher.os.detach"), "false");
    const auto script = setup.at("command").items().at(2).text();
    EXPECT_THAT(script, HasSubstr("[ ! -e /var/lib/done ] || exit 0\n"));
    EXPECT_THAT(script, HasSubstr("if [ -e /etc/x.env ]; then environment /etc/x.env; fi\n/bin/a\n/bin/b \"${X}\"\n"));
    expect_service(result);
}

TEST(IgnitionUnits, AClientOfTheEngineWaitsForIt) {
    const auto result = translated(
        {{"hello.service",
          "[Unit]\nRequires=docker.service\nAfter=docker.service\n" +
              service_of(
                  "ExecStartPre=-/usr/bin/docker rm -f hello\nExecStart=/usr/bin/podman run --name hello busybox\n"
                  "ExecStop=/usr/bin/docker stop hello")}});
    const auto hello = define(result, "hello");
    EXPECT_EQ(to_json(hello.at("depends_on"), JsonStyle::compact),
              R"({"user-engine":{"condition":"service_started","required":true}})");
    EXPECT_THAT(hello.at("command").items().at(2).text(), HasSubstr("/usr/bin/docker run --name hello busybox &\n"));
    EXPECT_THAT(result.report.warnings, ElementsAre(HasSubstr("hello.service: line 6, [Service] ExecStart: podman")));
    expect_service(result);
}

TEST(IgnitionUnits, ATimerIsASchedule) {
    const auto result = translated(
        {{"job.service", "[Service]\nType=oneshot\nExecStart=/bin/job\n", ""},
         {"job.timer", "[Timer]\nOnCalendar=*-*-* 03:00\nPersistent=true\n[Install]\nWantedBy=timers.target\n"},
         {"often.service", "[Service]\nExecStart=/bin/often\n", ""},
         {"o.timer",
          "[Timer]\nOnBootSec=1min\nOnUnitActiveSec=15min\nUnit=often.service\n[Install]\nWantedBy=timers.target\n"}});
    EXPECT_EQ(define(result, "job").at("labels").text_of("cron.schedule"), "0 0 3 * * *");
    EXPECT_FALSE(define(result, "job").at("labels").has("io.rancher.os.detach"));
    EXPECT_EQ(define(result, "often").at("labels").text_of("cron.schedule"), "@every 900s");
    EXPECT_FALSE(result.machine.at("services").has("disable"));
    EXPECT_THAT(refused("[Timer]\nOnBootSec=5\n[Install]\nWantedBy=x\n", "a.timer"),
                HasSubstr("one run after the start is no schedule"));
}

TEST(IgnitionUnits, WhatNobodyWantsDoesNotRun) {
    const auto result = translated({{"a.service", "[Unit]\nWants=b.service\n" + service_of("ExecStart=/bin/a")},
                                    {"b.service", "[Service]\nExecStart=/bin/b\n", ""},
                                    {"c.service", "[Service]\nExecStart=/bin/c\n", ""}});
    EXPECT_THAT(result.machine.at("services").texts_of("disable"), ElementsAre("c"));
}

TEST(IgnitionUnits, InstancesComeFromTheirTemplate) {
    const auto result =
        translated({{"w@.service", service_of("ExecStart=/bin/w %i"), ""},
                    {"w@one.service", ""},
                    {"w@two.service", "",
                     R"(,"enabled":true,"dropins":[{"name":"x.conf","contents":"[Service]\nUser=core\n"}])"}});
    EXPECT_THAT(define(result, "w-one").texts_of("command"), ElementsAre("/bin/w", "one"));
    EXPECT_EQ(define(result, "w-two").text_of("user"), "core");
    EXPECT_EQ(result.machine.at("services").at("define").members().size(), 2U);
}

TEST(IgnitionUnits, SwitchesTheMachinesOwn) {
    const auto result = translated({{"systemd-timesyncd.service", "", R"(,"mask":true)"},
                                    {"sshd.service", ""},
                                    {"docker.service", "", R"(,"enabled":false)"},
                                    {"zincati.service", "", R"(,"enabled":false)"}});
    EXPECT_THAT(result.report.problems, IsEmpty());
    EXPECT_THAT(result.machine.at("services").texts_of("disable"), ElementsAre("ntp", "user-engine"));
    EXPECT_THAT(result.machine.at("services").texts_of("enable"), ElementsAre("ssh"));
}

TEST(IgnitionUnits, MountsAndSwap) {
    const auto result = translated({{"var-data.mount",
                                     "[Mount]\nWhat=/dev/vdb\nWhere=/var/"
                                     "data\nType=ext4\nOptions=ro,noatime\n[Install]\nWantedBy=local-fs.target\n"},
                                    {"dev-vdc.swap", "[Swap]\nWhat=/dev/vdc\n[Install]\nWantedBy=swap.target\n"}});
    EXPECT_EQ(
        to_json(result.machine, JsonStyle::compact),
        R"({"mounts":[{"source":"/dev/vdb","target":"/var/data","type":"ext4","options":["ro","noatime"]}],"swap":{"device":"/dev/vdc"}})");
    EXPECT_THAT(refused("[Mount]\nWhat=/dev/vdb\nWhere=/other\n[Install]\nWantedBy=x\n", "var.mount"),
                HasSubstr("must be /var, after"));
}

TEST(IgnitionUnits, RefusesWithUnitDirectiveAndReason) {
    EXPECT_EQ(
        refused(service_of("Type=forking\nExecStart=/bin/a")),
        "u.ign:1: systemd.units[0]: a.service: line 2, [Service] Type: forking: a system container ends with its first "
        "process: let it run in the foreground");
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a\nPrivateTmp=yes")),
                HasSubstr("[Service] PrivateTmp: a system container sees"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a\nNonsense=1")),
                HasSubstr("[Service] Nonsense: has no counterpart"));
    EXPECT_THAT(refused("[Unit]\nRequires=ghost.service\n" + service_of("ExecStart=/bin/a")),
                HasSubstr("ghost.service: there is no such unit"));
    EXPECT_THAT(refused("[Socket]\nListenStream=80\n[Install]\nWantedBy=x\n", "a.socket"),
                HasSubstr("a.socket: services are not started by sockets"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a"), "docker.service"), HasSubstr("the machine has its own"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a"), "network.service"), HasSubstr("has this name"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a\nExecStart=/bin/b")), HasSubstr("Type=oneshot has several"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a\nExecStop=/bin/b\nKillSignal=SIGINT")), HasSubstr("do not reach"));
    EXPECT_THAT(refused(service_of("ExecStart=/bin/a ; /bin/b")), HasSubstr("Type=oneshot has several"));
    EXPECT_THAT(refused(service_of("User=core")), HasSubstr("[Service] ExecStart: is missing"));
    EXPECT_THAT(refused("", "ghost.service"), HasSubstr("there is no such unit here to enable"));
}

TEST(IgnitionUnits, SecretsAreNotSaid) {
    const auto result = translated(
        {{"a.service",
          service_of("ExecStart=/bin/a --password hunter2 %Q\nEnvironment=hunter2\nEnvironmentFile=hunter2\n")}});
    EXPECT_EQ(result.report.problems.size(), 3U);
    for (const auto& problem : result.report.problems) EXPECT_THAT(problem, ::testing::Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace diatom::ignition
