#include "config/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SystemService one(std::string_view body) {
    auto services = parse_services("services:\n  a:\n    command: [/bin/a]\n" + std::string(body), "t.yml");
    EXPECT_TRUE(services) << services.error().what();
    return services ? services->at(0) : SystemService{};
}

std::string error_of(std::string_view body) {
    auto services = parse_services("services:\n  a:\n    command: [/bin/a]\n" + std::string(body), "t.yml");
    return services ? "no error" : services.error().what();
}

TEST(Services, BuiltInOnesDecodeAndAreOrdered) {
    auto services = load_services(DIATOM_SOURCE_DIR "/src/config/services");
    ASSERT_TRUE(services) << services.error().what();
    std::vector<std::string> names;
    for (const auto& service : *services) names.push_back(service.name);
    EXPECT_THAT(names, ElementsAre("user-engine", "network", "console", "udev", "ntp", "log", "configure", "services",
                                   "passwords", "ssh"));
    EXPECT_EQ(services->front().root, RootKind::host_root);
    EXPECT_EQ(services->front().shutdown_signal, "SIGPWR");
    EXPECT_TRUE(services->front().depends_on.empty());
}

std::vector<std::string> names_of(const std::vector<SystemService>& services) {
    std::vector<std::string> names;
    for (const auto& service : services) names.push_back(service.name);
    return names;
}

TEST(Services, ThoseOfTheConfigurationAreAdded) {
    const test::TempDir directory;
    const auto write = [&](const std::string& name, const std::string& text) {
        ASSERT_TRUE(sys::write_file(directory.path() + "/" + name, text));
    };
    write("a.yml", "services: {a: {command: [/bin/a], depends_on: [b]}}");
    write("b.yml", "services: {b: {command: [/bin/b]}}");
    write("disabled", "ntp\n");
    auto services = load_services(DIATOM_SOURCE_DIR "/src/config/services");
    ASSERT_TRUE(services);
    EXPECT_THAT(add_configured(*services, directory.path()), IsEmpty());
    EXPECT_THAT(names_of(*services), ElementsAre("user-engine", "network", "console", "udev", "log", "configure",
                                                 "services", "passwords", "ssh", "b", "a"));
}

TEST(Services, OneThatIsWrongCostsNoOther) {
    const test::TempDir directory;
    const auto write = [&](const std::string& name, const std::string& text) {
        ASSERT_TRUE(sys::write_file(directory.path() + "/" + name, text));
    };
    write("a.yml", "services: {a: {command: [/bin/a], depends_on: [nowhere]}}");
    write("b.yml", "services: {b: {command: [/bin/b]}}");
    write("c.yml", "services: {c: {comand: [/bin/c]}}");
    write("d.yml", "services: {udev: {command: [/bin/d]}}");
    write("e.yml", "services: {e: {command: [/bin/e], depends_on: [f]}}");
    write("f.yml", "services: {f: {command: [/bin/f], depends_on: [e]}}");
    auto services = load_services(DIATOM_SOURCE_DIR "/src/config/services");
    ASSERT_TRUE(services);
    EXPECT_THAT(add_configured(*services, directory.path()),
                ElementsAre(HasSubstr("did you mean \"command\"?"), HasSubstr("service udev: the machine has one"),
                            HasSubstr("service a: service a depends on nowhere"), HasSubstr("service e: "),
                            HasSubstr("service f: ")));
    EXPECT_EQ(names_of(*services).back(), "b");
    EXPECT_EQ(services->size(), 11U);
    EXPECT_THAT(add_configured(*services, directory.path() + "/none"), IsEmpty());
}

TEST(Services, SharesOfTheProcessor) {
    EXPECT_EQ(one("    cpu_shares: 2\n").cpu_shares, 2U);
    EXPECT_FALSE(one("").cpu_shares);
    EXPECT_THAT(error_of("    cpu_shares: 1\n"), HasSubstr("cpu_shares must be at least 2"));
}

TEST(Services, DecodesEveryKey) {
    const auto s = one(R"(
    image: diatom/host
    environment: {A: "1"}
    volumes: ["/dev:/dev:ro,rslave"]
    tmpfs: ["/tmp:size=1m"]
    devices: [/dev/kmsg]
    cap_add: [NET_ADMIN]
    network_mode: host
    pid: host
    restart: on-failure
    depends_on: {b: {condition: service_completed_successfully, required: false}}
    healthcheck: {test: "test -e /x", interval: 200ms, retries: 2}
    labels: [io.rancher.os.detach=false, io.rancher.os.after=c]
    stop_grace_period: 1m
)");
    EXPECT_EQ(s.root, RootKind::host_root);
    EXPECT_FALSE(s.read_only);
    EXPECT_THAT(s.environment, ElementsAre("A=1"));
    ASSERT_EQ(s.mounts.size(), 2U);
    EXPECT_TRUE(s.mounts[0].read_only);
    EXPECT_EQ(s.mounts[0].propagation, "rslave");
    EXPECT_EQ(s.mounts[1].tmpfs_options, "size=1m");
    EXPECT_TRUE(s.host_network && s.host_pid && !s.host_ipc);
    EXPECT_EQ(s.restart, ServiceRestart::on_failure);
    ASSERT_EQ(s.depends_on.size(), 2U);
    EXPECT_EQ(s.depends_on[0].condition, Condition::completed);
    EXPECT_EQ(s.depends_on[1].service, "c");
    EXPECT_THAT(s.health->command, ElementsAre("/bin/sh", "-c", "test -e /x"));
    EXPECT_EQ(s.health->interval_ns, 200'000'000);
    EXPECT_TRUE(s.oneshot);
    EXPECT_EQ(s.stop_grace_s, 60);
}

TEST(Services, UnknownKeyNamesFileLineAndNearest) {
    EXPECT_EQ(error_of("    restrat: always\n"),
              "t.yml:4: service a: unknown key \"restrat\", did you mean \"restart\"?");
    EXPECT_EQ(error_of("    x-note: fine\n"), "no error");
}

TEST(Services, RefusesWhatItCannotHonour) {
    EXPECT_THAT(error_of("    image: alpine\n"), HasSubstr("`diatom service` runs others"));
    EXPECT_THAT(error_of("    volumes: [a:/b]\n"), HasSubstr("/SOURCE:/TARGET"));
    EXPECT_THAT(error_of("    volumes: [\"/a:/b:z\"]\n"), HasSubstr("unknown option \"z\""));
    EXPECT_THAT(error_of("    privileged: maybe\n"), HasSubstr("t.yml:4"));
    EXPECT_THAT(error_of("    pid: container:x\n"), HasSubstr("host or absent"));
    EXPECT_THAT(parse_services("services: [", "t.yml").error().what(), HasSubstr("not valid YAML"));
    EXPECT_THAT(parse_services("services: {a: {command: sh -c x}}", "t.yml").error().what(),
                HasSubstr("absolute path"));
}

TEST(Services, TakesOneDocument) {
    const auto error_of_file = [](std::string_view text) {
        const auto services = parse_services(text, "t.yml");
        return services ? "no error" : services.error().what();
    };
    EXPECT_EQ(error_of_file("---\nservices: {}\n...\n"), "no error");
    EXPECT_EQ(error_of_file(""), "no error");
    EXPECT_EQ(error_of_file("services: {}\n---\nservices: {}\n"),
              "t.yml:2: here begins document 2, and only 1 may be in a file: remove it");
    // yaml-cpp reads these without end.
    EXPECT_EQ(error_of_file(", services: {}\n"), "t.yml:1: not valid YAML: there is nothing before a comma");
    EXPECT_EQ(error_of_file("services: {}\n---\n, a\n"),
              "t.yml:2: here begins document 2, and only 1 may be in a file: remove it");
    EXPECT_THAT(error_of_file("services: [,a]\n"), HasSubstr("services must be a mapping"));
}

SystemService named(std::string name, std::vector<Dependency> depends_on) {
    SystemService service;
    service.name = std::move(name);
    service.depends_on = std::move(depends_on);
    return service;
}

TEST(Services, OrderPutsDependenciesFirst) {
    auto ordered =
        order_services({named("c", {{"b"}}), named("b", {{"a"}}), named("a", {{"gone", Condition::started, false}})});
    ASSERT_TRUE(ordered) << ordered.error().what();
    EXPECT_EQ(ordered->at(0).name, "a");
    EXPECT_EQ(ordered->at(2).name, "c");
}

TEST(Services, OrderRefusesCyclesAndStrangers) {
    EXPECT_THAT(order_services({named("a", {{"b"}}), named("b", {{"a"}})}).error().what(), HasSubstr("a, b"));
    EXPECT_EQ(order_services({named("a", {{"z"}})}).error().kind(), Kind::not_found);
}

}  // namespace
}  // namespace diatom::config
