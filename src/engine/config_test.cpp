// What stands in a record and what a container is made of, without running one.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/codec.h"
#include "engine/etc_files.h"
#include "engine/merge.h"
#include "engine/names.h"
#include "engine/spec_mounts.h"

namespace diatom::engine {
namespace {

using Strings = std::vector<std::string>;

TEST(Codec, KeepsEverything) {
    Container container{.id = random_id(), .name = "n", .created = 5};
    auto& config = container.config;
    config.entrypoint = Strings{};
    config.labels = {{"a", "b"}};
    config.mounts = {{.kind = MountKind::tmpfs, .target = "/t", .tmpfs_options = "size=1m"}};
    config.ports = {{.protocol = net::Protocol::udp, .host_port = 53, .container_port = 5353}};
    config.restart = RestartPolicy::unless_stopped;
    config.resources.memory_max = 1 << 30;
    config.devices = {{.host = "/dev/x", .inside = "/dev/y", .access = "r"}};
    config.health = HealthCheck{.test = {"CMD", "x"}, .retries = 4};
    config.block_limits = {{.path = "/dev/sda", .key = "rbps", .value = 9}};
    config.device_rules = {{.allow = true, .type = 'c', .major = 189}};
    config.masked_paths = Strings{};
    config.mounts.push_back({.kind = MountKind::image, .source = "i", .target = "/i", .subpath = "s"});
    container.images = {{.image = image::Digest::of("i"), .rootfs = "r", .name = "i", .target = "/i"}};
    config.raw_host_config = {{"Binds", {"/a:/b"}}};
    container.image = image::Digest::of("x");
    container.state = {.status = Status::running, .process = {.pid = 7, .start_time = 99}, .started = 3};
    container.state.health = {.status = HealthStatus::healthy, .log = {{.start = 1, .output = "o"}}};
    container.endpoints = {{.network = "bridge", .ip4 = net::Address::v4(0xac110002), .prefix4 = 16}};
    const auto document = encode(container);
    const auto again = decode_container(document);
    ASSERT_TRUE(again) << again.error().what();
    EXPECT_EQ(dump_json(encode(*again)), dump_json(document));
    EXPECT_EQ(again->state.process.start_time, 99U);
    EXPECT_EQ(again->state.health.log.front().output, "o");
    EXPECT_TRUE(again->config.masked_paths.has_value());
    EXPECT_EQ(again->images.front().image, container.images.front().image);
    EXPECT_TRUE(again->config.entrypoint.has_value());
    EXPECT_FALSE(again->config.cmd.has_value());
    EXPECT_EQ(again->endpoints.front().ip4.text(), "172.17.0.2");
}

TEST(Codec, NamesWhatIsWrong) {
    Json document = encode(Container{.id = "x"});
    document["state"]["status"] = "sleeping";
    const auto decoded = decode_container(document);
    ASSERT_FALSE(decoded);
    EXPECT_TRUE(decoded.error().what().contains("sleeping"));
}

Container merged(ContainerConfig config, const image::ImageConfig& image) {
    Container container{.config = std::move(config)};
    EXPECT_TRUE(merge_image(container, image));
    return container;
}

TEST(Merge, EntrypointAndCommandAsDocker) {
    const image::ImageConfig image{.entrypoint = {"/entry"}, .cmd = {"default"}};
    EXPECT_EQ(merged({}, image).argv, (Strings{"/entry", "default"}));
    EXPECT_EQ(merged({.cmd = Strings{"own"}}, image).argv, (Strings{"/entry", "own"}));
    EXPECT_EQ(merged({.entrypoint = Strings{"sh"}}, image).argv, Strings{"sh"});
    EXPECT_EQ(merged({.entrypoint = Strings{""}, .cmd = Strings{"x"}}, image).argv, Strings{"x"});
    Container nothing;
    EXPECT_FALSE(merge_image(nothing, {}));
}

TEST(Merge, EnvironmentByName) { EXPECT_EQ(merge_env({"A=1", "B=2"}, {"B=3", "C=4", "A"}), (Strings{"B=3", "C=4"})); }

TEST(Merge, EnvironmentIsListedAsItWasWrittenBeforeTheImages) {
    const auto container = merged({.cmd = Strings{"x"}, .env = {"OWN=1", "PATH=/mine", "GONE"}},
                                  {.env = {"PATH=/bin", "LANG=C", "GONE=yes"}});
    EXPECT_EQ(container.config.env, (Strings{"OWN=1", "PATH=/mine", "GONE", "LANG=C"}));
    EXPECT_EQ(container.env, (Strings{"PATH=/mine", "LANG=C", "OWN=1"}));
}

TEST(Merge, WorkingDirectoriesHaveNoSlashAtTheirEnd) {
    const auto container = merged({.working_dir = "/tmp/", .cmd = Strings{"x"}}, {});
    EXPECT_EQ(container.config.working_dir, "/tmp");
    EXPECT_EQ(container.working_dir, "/tmp");
    EXPECT_EQ(merged({.working_dir = "/", .cmd = Strings{"x"}}, {}).working_dir, "/");
}

TEST(Merge, RefusesByName) {
    EXPECT_EQ(validate({.security_opt = {"nonsense"}}).error().kind(), Kind::invalid);
    EXPECT_FALSE(validate({.hostname = "x", .uts_mode = "host"}));
    EXPECT_FALSE(validate({.network_mode = "container:a", .publish_all = true}));
    EXPECT_FALSE(validate({.mounts = {{.kind = MountKind::volume, .source = "v", .target = "/v", .subpath = "../x"}}}));
    const auto refused = [](const ContainerConfig& config, std::string_view says) {
        const auto valid = validate(config);
        ASSERT_FALSE(valid) << says;
        EXPECT_EQ(valid.error().kind(), Kind::invalid);
        EXPECT_TRUE(valid.error().what().contains(says)) << valid.error().what();
    };
    refused({.stop_signal = "SIGWHAT"}, "SIGWHAT");
    refused({.mounts = {{.target = "relative"}}}, "must be absolute");
    refused({.mounts = {{.source = "relative", .target = "/a"}}}, "must be absolute");
    refused({.mounts = {{.source = "/", .target = "//"}}}, "can't be '/'");
    refused({.mounts = {{.source = "/a", .target = "/b"}, {.kind = MountKind::tmpfs, .target = "/b"}}},
            "Duplicate mount point: /b");
    refused({.auto_remove = true, .restart = RestartPolicy::always}, "AutoRemove");
    refused({.restart = RestartPolicy::always, .restart_max = 3}, "on-failure");
    refused({.resources = {.memory_max = 1024}}, "6MB");
    refused({.resources = {.memory_max = -5}}, "6MB");
    EXPECT_TRUE(validate({.resources = {.memory_max = -1}}));
    EXPECT_TRUE(validate({}));
}

TEST(EtcFiles, HostsAndResolver) {
    Container container{.id = std::string(64, 'a'),
                        .config = {.domainname = "local", .extra_hosts = {"gate:host-gateway"}}};
    container.endpoints = {{.ip4 = net::Address::v4(0xac110002)}};
    const auto text = hosts_text(container, net::Address::v4(0xac110001)).value();
    EXPECT_TRUE(text.contains("172.17.0.1\tgate\n")) << text;
    EXPECT_TRUE(text.contains("172.17.0.2\taaaaaaaaaaaa.local aaaaaaaaaaaa\n")) << text;
    EXPECT_FALSE(hosts_text(container, {}));
    EXPECT_EQ(resolv_conf_text({}, "nameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch a b\n", Resolver::none),
              "nameserver 10.0.0.1\nsearch a b\n");
    EXPECT_EQ(resolv_conf_text({.dns = {"9.9.9.9"}, .dns_search = {"."}}, "search a\n", Resolver::none),
              "nameserver 9.9.9.9\n");
}

TEST(Mounts, ParentsFirstAndTheUsersWin) {
    runtime::Spec spec = runtime::default_spec();
    Container container{
        .config = {.mounts = {{.kind = MountKind::tmpfs, .target = "/dev/shm", .tmpfs_options = "size=1m"},
                              {.kind = MountKind::tmpfs, .target = "/a/b"},
                              {.kind = MountKind::tmpfs, .target = "/a"}}}};
    ASSERT_TRUE(apply_mounts(spec, container));
    Strings targets;
    for (const auto& mount : spec.mounts) targets.push_back(mount.destination);
    EXPECT_LT(std::ranges::find(targets, "/a") - targets.begin(), std::ranges::find(targets, "/a/b") - targets.begin());
    EXPECT_EQ(std::ranges::count(targets, "/dev/shm"), 1);
}

TEST(Names, AreDockers) {
    EXPECT_TRUE(random_name().contains('_'));
    EXPECT_EQ(random_id().size(), 64U);
    EXPECT_EQ(check_name("/web", "container").value(), "web");
    EXPECT_FALSE(check_name("-web", "container"));
    EXPECT_FALSE(check_name("w", "container"));
    EXPECT_FALSE(check_name("a b", "container"));
}

}  // namespace
}  // namespace diatom::engine
