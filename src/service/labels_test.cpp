#include "service/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "document/yaml_reader.h"

namespace diatom::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

const Sources kNames{.files = {}, .own = {"network", "ntp"}, .disabled = {"off"}, .environment = {}, .scratch = {}};

Translated translated(std::string_view text, Scope scope = Scope::system) {
    return translate(read_yaml(text, "a.yml").value(), kNames, scope);
}

std::string depends_on(const Translated& from, std::string_view name) {
    for (const auto& document : from.documents) {
        if (const auto* service = document.at("services").find(name))
            return to_json(service->at("depends_on"), JsonStyle::compact);
    }
    return "no service";
}

TEST(Labels, EachEngineHasItsOwn) {
    constexpr std::string_view kText = R"(
services:
  a: {image: a}
  b: {image: b, labels: [io.rancher.os.scope=user]}
  c: {image: c, labels: {io.rancher.os.scope: system}}
  d: {image: d, labels: {io.rancher.os.scope: elsewhere}}
  off: {image: e}
  network: {image: f})";
    const auto system = translated(kText);
    EXPECT_THAT(system.traits, UnorderedElementsAre(Key("a"), Key("c")));
    EXPECT_THAT(system.problems,
                ElementsAre(HasSubstr("a.yml:6: services.d: io.rancher.os.scope: must be system or user"),
                            HasSubstr("a.yml:8: services.network: the machine has a service of this name")));
    EXPECT_THAT(translated(kText, Scope::user).traits, UnorderedElementsAre(Key("b")));
}

TEST(Labels, OrderIsDependsOn) {
    const auto made = translated(R"(
services:
  first: {image: a, labels: {io.rancher.os.detach: "false", io.rancher.os.before: "last, nobody"}}
  second: {image: b, labels: {io.rancher.os.after: "first,network,missing"}}
  last: {image: c, depends_on: [second]}
  else: {image: d, depends_on: {ntp: {condition: service_healthy}, off: {condition: service_started}, gone: {condition: service_started, required: false}}})");
    EXPECT_THAT(made.problems, IsEmpty());
    EXPECT_EQ(depends_on(made, "second"),
              R"({"first":{"condition":"service_completed_successfully","required":false}})");
    EXPECT_EQ(depends_on(made, "last"), R"({"second":{"condition":"service_started","required":true},)"
                                        R"("first":{"condition":"service_completed_successfully","required":false}})");
    EXPECT_EQ(depends_on(made, "else"), "null");
    ASSERT_EQ(made.traits.at("second").own.size(), 1);
    EXPECT_EQ(made.traits.at("second").own[0].name, "network");
    EXPECT_FALSE(made.traits.at("second").own[0].healthy);
    ASSERT_EQ(made.traits.at("else").own.size(), 1);
    EXPECT_TRUE(made.traits.at("else").own[0].healthy);
}

TEST(Labels, TheSystemEngineHasNoNetworks) {
    constexpr std::string_view kText = R"(
services:
  plain: {image: a}
  none: {image: b, network_mode: none}
  joined: {image: c, networks: [n]}
  published: {image: d, ports: ["80:80"]}
  users: {image: e, ports: ["80:80"], labels: [io.rancher.os.scope=user]})";
    const auto system = translated(kText);
    const auto& services = system.documents.front().at("services");
    EXPECT_EQ(services.at("plain").text_of("network_mode"), "host");
    EXPECT_EQ(services.at("none").text_of("network_mode"), "none");
    EXPECT_THAT(system.problems, ElementsAre(HasSubstr("services.joined: networks: the system engine has no networks"),
                                             HasSubstr("services.published: ports: the system engine")));
    const auto user = translated(kText, Scope::user);
    EXPECT_THAT(user.problems, IsEmpty());
    EXPECT_FALSE(user.documents.front().at("services").at("users").has("network_mode"));
}

TEST(Labels, TraitsAndNames) {
    const auto made = translated(R"(
services:
  holder: {image: a, labels: {io.rancher.os.createonly: "true"}}
  timed: {image: b, container_name: x, labels: [cron.schedule=@daily, io.docker.compose.rebuild=always]}
  several: {image: c, scale: 2, labels: {io.rancher.os.reloadconfig: true}}
  wrong: {image: d, labels: {cron.schedule: often}})");
    EXPECT_FALSE(made.traits.at("holder").starts_at_once());
    EXPECT_FALSE(made.traits.at("timed").starts_at_once());
    EXPECT_TRUE(made.traits.at("timed").rebuild);
    EXPECT_TRUE(made.traits.at("several").starts_at_once());
    EXPECT_TRUE(made.traits.at("several").reloads_config);
    const auto& services = made.documents.front().at("services");
    EXPECT_EQ(services.at("holder").text_of("container_name"), "holder");
    EXPECT_EQ(services.at("timed").text_of("container_name"), "x");
    EXPECT_FALSE(services.at("several").has("container_name"));
    EXPECT_THAT(made.problems,
                ElementsAre(HasSubstr("a.yml:6: services.wrong: cron.schedule: \"often\" is no schedule")));
}

}  // namespace
}  // namespace diatom::service
