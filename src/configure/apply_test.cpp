#include "configure/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/boot_config.h"
#include "configure/digest.h"
#include "configure/fetching.h"
#include "configure/testing/machine_fixture.h"
#include "http/testing/fake_server.h"
#include "journal/settings.h"

namespace diatom::configure {
namespace {

using http::testing::FakeRequest;
using http::testing::FakeResponse;
using http::testing::FakeServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using ::testing::Not;
using testing::read;
using Apply = testing::MachineFixture;

TEST_F(Apply, FilesAreFetchedVerifiedAndKept) {
    int asked = 0;
    FakeServer server([&](const FakeRequest& request) -> FakeResponse {
        ++asked;
        if (request.target == "/moved") return {.status = 302, .headers = {"Location: /file"}};
        if (request.target == "/gone") return {.status = 404};
        return {.body = std::string(1U << 20U, 'x')};
    });
    Fetching fetching({.look = Look::kept_first});
    const Beside beside{.fetching = &fetching};
    const auto file = [&](const std::string& target, const std::string& digest) {
        return std::format("files: {{/opt/tool: {{source: 'http://{}{}', digest: 'sha256:{}', mode: '0755'}}}}",
                           server.address(), target, digest);
    };
    const auto digest = sha256_hex(std::string(1U << 20U, 'x'));
    EXPECT_THAT(apply(file("/moved", digest), Phase::boot, beside), IsEmpty());
    EXPECT_EQ(get("/opt/tool"), std::string(1U << 20U, 'x'));
    EXPECT_EQ(sys::stat_path(at("/opt/tool"))->st_mode & 07777U, 0755U);
    EXPECT_EQ(asked, 2);
    // It is kept, also where the file itself is gone.
    ASSERT_TRUE(sys::remove_file(at("/opt/tool")));
    EXPECT_THAT(apply(file("/moved", digest), Phase::boot, beside), IsEmpty());
    EXPECT_EQ(get("/opt/tool").size(), 1U << 20U);
    EXPECT_EQ(asked, 2);
    ASSERT_TRUE(sys::remove_file(at("/opt/tool")));
    EXPECT_THAT(apply(file("/file", std::string(64, '0')), Phase::boot, beside),
                ElementsAre(HasSubstr("what was fetched is sha256:" + digest)));
    EXPECT_THAT(apply(file("/gone", digest), Phase::boot, beside),
                ElementsAre(HasSubstr("files.\"/opt/tool\": make the")));
    EXPECT_EQ(get("/opt/tool"), "(nothing)");
    EXPECT_THAT(apply(file("/file", "no digest"), Phase::boot, beside),
                ElementsAre(HasSubstr("digest: must be sha256:HEX or sha512:HEX")));
    EXPECT_THAT(apply(file("/file", digest)), ElementsAre(HasSubstr("nothing can be fetched here")));
}

TEST_F(Apply, WhatIsAddedToKeepsItsMode) {
    put("/etc/secret", "a\n");
    ASSERT_EQ(::chmod(at("/etc/secret").c_str(), 0600), 0);
    EXPECT_THAT(apply("files: {/etc/secret: {content: b, append: true}}"), IsEmpty());
    EXPECT_EQ(get("/etc/secret"), "a\nb");
    EXPECT_EQ(sys::stat_path(at("/etc/secret"))->st_mode & 07777U, 0600U);
    EXPECT_THAT(apply("files: {/etc/secret: {content: c, append: true, mode: '0640'}}"), IsEmpty());
    EXPECT_EQ(sys::stat_path(at("/etc/secret"))->st_mode & 07777U, 0640U);
}

TEST_F(Apply, WhatIsKeptOfTheLogAndWhoIsTold) {
    const auto file = std::string(journal::kSettingsDirectory) + "/" + journal::kSettingsName;
    EXPECT_THAT(apply("hostname: web"), IsEmpty());
    EXPECT_EQ(get(file), "(nothing)");
    EXPECT_THAT(apply("logs: {level: warning, max_size: 8m, max_age: 24h, forward: ['tls://log.example', "
                      "'udp://192.0.2.1:5514']}"),
                IsEmpty());
    const journal::Settings settings{.level = journal::Priority::warning,
                                     .max_bytes = 8U << 20U,
                                     .max_age_ns = 86'400'000'000'000,
                                     .forward = {"tls://log.example", "udp://192.0.2.1:5514"}};
    EXPECT_EQ(*journal::Settings::decode(get(file)), settings);
    // What is not said any more does not hold any more.
    EXPECT_THAT(apply("hostname: web", Phase::live), IsEmpty());
    EXPECT_EQ(*journal::Settings::decode(get(file)), journal::Settings{});
}

TEST_F(Apply, NamesWithADomain) {
    EXPECT_THAT(apply("hostname: web\nfqdn: web.example.com"), IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "web\n");
    EXPECT_THAT(get("/etc/hosts"), HasSubstr("127.0.1.1 web.example.com web\n"));
    EXPECT_THAT(apply("hostname: other\nfqdn: web.example.com"), IsEmpty());
    EXPECT_THAT(get("/etc/hosts"), HasSubstr("127.0.1.1 web.example.com other\n"));
    EXPECT_THAT(apply("fqdn: only.example.com"), IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "only\n");
    // What is said no more: the name that the machine had before it was configured.
    ASSERT_TRUE(sys::make_dirs(at("/run/diatom")));
    put(config::kNameOfBoot, "diatom\n");
    EXPECT_THAT(apply("timezone: UTC", Phase::live), IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "diatom\n");
    EXPECT_THAT(get("/etc/hosts"), Not(HasSubstr("only")));
}

TEST_F(Apply, ServicesAreHandedToTheEngine) {
    ASSERT_TRUE(sys::make_dirs(at("/usr/share/diatom/optional")));
    put("/usr/share/diatom/optional/agent.yml", "services: {agent: {image: a}}\n");
    EXPECT_THAT(apply("services:\n  define:\n    hello: {image: diatom/host, command: [/bin/hello]}\n"
                      "    web: {image: nginx}\n    job: {command: [/bin/a], labels: {cron.schedule: '61 * * * *'}}\n"
                      "    hourly: {command: [/bin/b], labels: {cron.schedule: '@hourly'}}\n"
                      "  disable: [hello]\n  enable: [agent, ntp, web]\n  include: [/opt/more.yml]\n"
                      "time: {enabled: false}\nengine: {enabled: false}"),
                ElementsAre(HasSubstr("machine.yml:5: services.define.job: services.define.job:3: cron.schedule: "
                                      "\"61 * * * *\" is no schedule: minute \"61\"")));
    EXPECT_THAT(get("/run/diatom/config/services/hello.yml"), HasSubstr("/bin/hello"));
    EXPECT_THAT(get("/run/diatom/config/services/hourly.yml"), HasSubstr("@hourly"));
    EXPECT_THAT(get("/run/diatom/config/services/projects/web.yml"), HasSubstr("nginx"));
    EXPECT_EQ(get("/run/diatom/config/services/projects/included"), "/opt/more.yml\nagent\n");
    EXPECT_EQ(get("/run/diatom/config/services/disabled"), "hello\nuser-engine\nntp\n");
    EXPECT_THAT(apply("hostname: a"), IsEmpty());
    EXPECT_EQ(get("/run/diatom/config/services/hello.yml"), "(nothing)");
    EXPECT_EQ(get("/run/diatom/config/services/projects/web.yml"), "(nothing)");
}

TEST_F(Apply, ServicesNameNetworksThatAreThere) {
    EXPECT_THAT(apply("services:\n  define:\n    a: {image: a, networks: {lan: {ipv4_address: 10.1.0.9}}}\n"
                      "    b: {image: b, networks: [wan, default]}\n"),
                IsEmpty());
    const auto a = read(get("/run/diatom/config/services/projects/a.yml"));
    EXPECT_EQ(json(a.at("networks")), R"({"lan":{"external":true,"name":"lan"}})");
    EXPECT_EQ(a.at("services").at("a").at("networks").at("lan").text_of("ipv4_address"), "10.1.0.9");
    const auto b = read(get("/run/diatom/config/services/projects/b.yml"));
    EXPECT_EQ(json(b.at("networks")), R"({"wan":{"external":true,"name":"wan"}})");
}

TEST_F(Apply, TellsTime) {
    put("/usr/share/diatom/zones",
        "Asia/Kolkata 19800 IST IST-5:30\nEurope/Berlin 3600 CET CET-1CEST,M3.5.0,M10.5.0/3\n");
    put("/usr/share/diatom/chrony.conf", "# The clock.\npool 2.debian.pool.ntp.org iburst\ndriftfile /d\n");
    EXPECT_THAT(apply("time: {zone: Europe/Berlin, servers: [a.example, 192.0.2.1, 'x y']}"),
                ElementsAre(HasSubstr("time.servers: has what is no host")));
    EXPECT_EQ(get("/etc/timezone"), "Europe/Berlin\n");
    const auto zone = get("/etc/localtime");
    EXPECT_THAT(zone, HasSubstr("TZif2"));
    EXPECT_TRUE(zone.ends_with("\nCET-1CEST,M3.5.0,M10.5.0/3\n"));
    EXPECT_EQ(get("/run/chrony/sources/configuration.sources"), "server a.example iburst\nserver 192.0.2.1 iburst\n");
    EXPECT_EQ(get("/run/diatom/time/chrony.conf"), "driftfile /d\n");
    EXPECT_THAT(apply("time: {zone: Europe/Atlantis}"),
                ElementsAre(HasSubstr("time.zone: tell time as in Europe/Atlantis: there is no time zone")));
}

// The C library reads what was written: summer and winter of a year that no table goes up to.
TEST_F(Apply, AZoneIsOneForTheCLibrary) {
    put("/usr/share/diatom/zones", "Europe/Berlin 3600 CET CET-1CEST,M3.5.0,M10.5.0/3\n");
    ASSERT_THAT(apply("time: {zone: Europe/Berlin}"), IsEmpty());
    const auto hour = [&](time_t at_time) {
        tm parts{};
        ::setenv("TZ", (":" + at("/etc/localtime")).c_str(), 1);
        ::tzset();
        ::localtime_r(&at_time, &parts);
        ::unsetenv("TZ");
        ::tzset();
        return std::format("{} {}", parts.tm_hour, parts.tm_isdst);
    };
    EXPECT_EQ(hour(4'088'102'400), "2 1");  // 2099-07-19T00:00:00Z
    EXPECT_EQ(hour(4'088'102'400 + 182 * 86'400), "1 0");
    EXPECT_EQ(hour(0), "1 0");
}

TEST_F(Apply, PowerIsAMatterOfTheFirstBoot) {
    ::testing::internal::CaptureStdout();
    EXPECT_THAT(apply("final_message: 'up $uptime from ${DATASOURCE}, {{version}}'\n"
                      "power: {mode: reboot, message: bye, condition: [/bin/true]}",
                      Phase::late, {.platform = "nocloud"}),
                ElementsAre(HasSubstr("power: reboot the machine: this is not the machine")));
    const auto said = ::testing::internal::GetCapturedStdout();
    EXPECT_THAT(said, HasSubstr("from nocloud, "));
    EXPECT_THAT(said, HasSubstr("bye\n"));
    EXPECT_THAT(said, Not(HasSubstr("$")));
    EXPECT_THAT(apply("power: {mode: reboot}", Phase::late), IsEmpty());
}

TEST_F(Apply, AConditionKeepsTheMachineOn) {
    EXPECT_THAT(apply("power: {mode: off, condition: [/bin/false]}", Phase::late), IsEmpty());
}

TEST_F(Apply, DevicesThatAreNotThereAreSaid) {
    EXPECT_THAT(apply("disks: {/dev/no-such: {partitions: [{label: a}]}}\n"
                      "filesystems: [{device: LABEL=no-such, type: ext4}]\n"
                      "mounts: [{source: UUID=no-such, target: /mnt/a}, {source: x, target: /b, options: [noauto]}]\n"
                      "swap: {device: /dev/no-such}"),
                ElementsAre(HasSubstr("disks.\"/dev/no-such\": partition /dev/no-such: there is no device"),
                            HasSubstr("filesystems[0]: have a file system on LABEL=no-such: no device is called"),
                            HasSubstr("mounts[0]: mount /mnt/a: no device is called UUID=no-such"),
                            HasSubstr("swap.device: swap to /dev/no-such: there is no device")));
    // What failed is tried again.
    EXPECT_THAT(apply("disks: {/dev/no-such: {partitions: [{label: a}]}}"),
                ElementsAre(HasSubstr("there is no device")));
    EXPECT_THAT(apply("mounts: [{source: x, target: /mnt/a}]", Phase::live),
                ElementsAre("mounts[0]: /mnt/a is mounted at the next boot"));
}

}  // namespace
}  // namespace diatom::configure
