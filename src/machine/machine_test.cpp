#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "document/yaml_reader.h"
#include "machine/check.h"
#include "machine/json_schema.h"
#include "machine/layers.h"

namespace diatom::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Value read(const std::string& text, const std::string& file = "machine.yml") {
    auto documents = read_yaml(text, file);
    EXPECT_TRUE(documents) << (documents ? "" : documents.error().what());
    return documents && !documents->empty() ? documents->front() : Value::map();
}

std::vector<std::string> texts(const std::vector<Problem>& problems) {
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(problem.text);
    return texts;
}

std::string json(const Value& value) { return to_json(value, JsonStyle::compact); }

std::string path_text(std::string_view text) {
    const auto path = Path::parse(text);
    return path ? path->text() : path.error().what();
}

TEST(MachinePath, ReadsWhatItWrites) {
    for (const auto* text : {"hostname", "network.interfaces.eth0.addresses[0]", "files.\"/etc/x.conf\".mode",
                             "users.\"a.b\"", "x.\"quoted \\\" and \\\\\".y"}) {
        EXPECT_EQ(path_text(text), text);
    }
    EXPECT_EQ(path_text("files.\"/etc\".mode"), "files./etc.mode");
}

TEST(MachinePath, RefusesWhatIsNone) {
    EXPECT_THAT(path_text("a..b"), HasSubstr("a key is empty"));
    EXPECT_THAT(path_text("a."), HasSubstr("separated by dots"));
    EXPECT_THAT(path_text("a[x]"), HasSubstr("in brackets"));
    EXPECT_THAT(path_text("[0]"), HasSubstr("in brackets"));
    EXPECT_THAT(path_text("a[1"), HasSubstr("in brackets"));
    EXPECT_THAT(path_text("\"a"), HasSubstr("not closed"));
}

TEST(MachinePath, DotsInTheKeysOfTextsNeedNoQuotes) {
    EXPECT_EQ(parse_path("sysctl.vm.swappiness")->text(), "sysctl.\"vm.swappiness\"");
    EXPECT_EQ(parse_path("sysctl.\"vm.swappiness\"")->text(), "sysctl.\"vm.swappiness\"");
    EXPECT_EQ(parse_path("engine.mirrors.docker.io")->text(), "engine.mirrors.\"docker.io\"");
    EXPECT_EQ(parse_path("users.core.uid")->text(), "users.core.uid");
    EXPECT_EQ(parse_path("no.such.key")->text(), "no.such.key");
}

TEST(MachinePath, SetsAndErases) {
    auto document = Value::map();
    ASSERT_TRUE(Path::parse("a.b.c")->set(document, Value::of(true)));
    EXPECT_EQ(json(document), R"({"a":{"b":{"c":true}}})");
    EXPECT_FALSE(Path::parse("a.b.c.d")->set(document, Value::of(true)));
    EXPECT_FALSE(Path::parse("a.x")->erase(document));
    EXPECT_TRUE(Path::parse("a.b.c")->erase(document));
    EXPECT_EQ(json(document), "{}");
}

TEST(MachineCheck, AcceptsWhatTheTableSays) {
    EXPECT_THAT(texts(check(read(R"(
hostname: web-1
users:
  core: {uid: 1000, groups: [wheel], ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me]}
files:
  /etc/motd: {content: "hello\n", mode: "0644"}
commands: {run: ["echo hi", [echo, 1]]}
network:
  interfaces:
    "mac=52:54:00:12:34:56": {addresses: [192.0.2.7/24, "2001:db8::1/64"], gateway4: 192.0.2.1}
sysctl: {net.ipv4.ip_forward: 1}
services: {define: {web: {image: web, ports: ["80:80"]}}}
)"))),
                IsEmpty());
}

TEST(MachineCheck, NamesFileLineAndWhatWasMeant) {
    EXPECT_THAT(
        texts(check(read(
            "hostnam: x\nusers:\n  Core: {}\n  core:\n    uid: x\n    homme: /x\nfiles:\n  /a/../b: {mode: 0644}\n"))),
        ElementsAre("machine.yml:1: hostnam: unknown key: did you mean \"hostname\"?",
                    HasSubstr("machine.yml:3: users.Core: \"Core\" is not a user name"),
                    "machine.yml:5: users.core.uid: must be a whole number, not text",
                    HasSubstr("machine.yml:6: users.core.homme: unknown key: did you mean \"home\"?"),
                    HasSubstr("is not an absolute path")));
    EXPECT_THAT(texts(check(read("files: {/a: {mode: 0644}}"))),
                ElementsAre(HasSubstr("must be an octal mode in quotes")));
    EXPECT_THAT(texts(check(read("ssh: {port: 70000}\npower: {mode: sleep}"))),
                ElementsAre(HasSubstr("must be from 1 to 65535"), HasSubstr("must be one of off, reboot, halt")));
    EXPECT_THAT(texts(check(read("logs: {level: loud, forward: ['syslog://a', 'udp://a', 'tls://[::1]:7']}"))),
                ElementsAre(HasSubstr("must be one of debug, info, warning, error"),
                            HasSubstr("is not a receiver of the log")));
    EXPECT_THAT(texts(check(read("certificates: {trusted: [x]}\ncommands: {run: [[], {}]}"))),
                ElementsAre(HasSubstr("in PEM"), HasSubstr("commands.run[0]: must be a command line"),
                            HasSubstr("commands.run[1]")));
}

TEST(MachineCheck, KnowsDays) {
    EXPECT_THAT(texts(check(read("users: {core: {expires: 2028-02-29, password_expired: true}}"))), IsEmpty());
    for (const auto* day :
         {"2027-02-29", "2027-13-01", "27-01-01", "2027-1-001", "today", "2027/01/01", "2027-01-xx"}) {
        EXPECT_THAT(texts(check(read(std::format("users: {{core: {{expires: '{}'}}}}", day)))),
                    ElementsAre(HasSubstr("is not a day such as 2027-12-31")));
    }
}

TEST(MachineCheck, KeepsWhatIsRight) {
    auto document = read(
        "hostname: web\nusers: {Bad: {}, core: {uid: x, shell: /bin/sh}}\nssh_authorized_keys: [a, ssh-ed25519 AAAA, "
        "b]\n");
    EXPECT_EQ(keep_valid(document).size(), 4U);
    EXPECT_EQ(json(document),
              R"({"hostname":"web","users":{"core":{"shell":"/bin/sh"}},"ssh_authorized_keys":["ssh-ed25519 AAAA"]})");
}

TEST(MachineCheck, HidesSecrets) {
    const auto document =
        read("users: {core: {password_hash: $6$x, shell: /bin/sh}}\nengine: {auths: {r: {password: p, username: u}}}");
    const auto shown = without_secrets(document);
    EXPECT_EQ(json(shown.at("users")), R"-({"core":{"password_hash":"(secret)","shell":"/bin/sh"}})-");
    EXPECT_EQ(json(shown.at("engine")), R"-({"auths":{"r":{"password":"(secret)","username":"u"}}})-");
    const auto wrong = check(read("engine: {auths: {r: {password: [p]}}}"));
    ASSERT_EQ(wrong.size(), 1U);
    EXPECT_THAT(wrong[0].text, ::testing::Not(HasSubstr("[p]")));
}

Layers three() {
    Layers layers;
    layers.add("image", read("hostname: diatom\ntime: {servers: [a, b]}\nsysctl: {x: 1, y: 1}", "image.yml"));
    layers.add(
        "user-data",
        read("hostname: web\nssh_authorized_keys: [ssh-rsa AAAA]\nsysctl: {x: 2}\ntime: {servers: [c]}", "user-data"));
    layers.add("mine", read("ssh_authorized_keys: [ssh-rsa AAAA, ssh-rsa BBBB]\nsysctl: {y: null}", "mine.yml"));
    return layers;
}

TEST(MachineLayers, MergesByTheTable) {
    EXPECT_EQ(
        json(three().merged()),
        R"({"hostname":"web","time":{"servers":["c"]},"sysctl":{"x":2},"ssh_authorized_keys":["ssh-rsa AAAA","ssh-rsa BBBB"]})");
}

std::vector<std::string> said(const std::vector<Opinion>& opinions) {
    std::vector<std::string> lines;
    for (const auto& opinion : opinions) {
        lines.push_back(
            std::format("{} {} {}{}", opinion.source, opinion.place, json(opinion.value), opinion.holds ? " *" : ""));
    }
    return lines;
}

TEST(MachineLayers, SaysWhy) {
    const auto layers = three();
    EXPECT_THAT(said(layers.why(*Path::parse("hostname"))),
                ElementsAre(R"(image image.yml:1 "diatom")", R"(user-data user-data:1 "web" *)"));
    EXPECT_THAT(said(layers.why(*Path::parse("sysctl.y"))), ElementsAre("image image.yml:3 1", "mine mine.yml:2 null"));
    EXPECT_THAT(said(layers.why(*Path::parse("ssh_authorized_keys"))),
                ElementsAre(R"(user-data user-data:2 ["ssh-rsa AAAA"] *)",
                            R"(mine mine.yml:1 ["ssh-rsa AAAA","ssh-rsa BBBB"] *)"));
    EXPECT_THAT(layers.why(*Path::parse("watchdog")), IsEmpty());
}

TEST(MachineLayers, WhatIsTakenAwayTakesWhatIsBelow) {
    Layers layers;
    layers.add("a", read("network: {dns: {servers: [192.0.2.1]}}"));
    layers.add("b", read("network: {dns: null}"));
    EXPECT_THAT(said(layers.why(*Path::parse("network.dns.servers"))),
                ElementsAre(R"(a machine.yml:1 ["192.0.2.1"])", "b machine.yml:1 null"));
    EXPECT_EQ(json(layers.merged()), R"({"network":{}})");
}

TEST(MachineSchema, IsAJsonSchema) {
    const auto schema = json_schema();
    EXPECT_EQ(schema["properties"]["users"]["additionalProperties"]["properties"]["uid"]["minimum"], 0);
    EXPECT_EQ(schema["properties"]["ssh"]["properties"]["port"]["maximum"], 65535);
    EXPECT_EQ(schema["additionalProperties"], false);
    EXPECT_TRUE(
        schema["properties"]["users"]["additionalProperties"]["properties"]["password_hash"]["writeOnly"].get<bool>());
}

}  // namespace
}  // namespace diatom::machine
