#include <gtest/gtest.h>

#include "api/decode.h"
#include "api/detach_keys.h"

namespace diatom::api {
namespace {

Result<engine::ContainerConfig> decode(std::string_view text) {
    return decode_container_config(*parse_json(text, "test"), 51);
}

TEST(DecodeContainer, TakesWhatDockerRunSends) {
    const auto config =
        decode(R"({"Image":"busybox","Cmd":["echo","hi"],"Entrypoint":"/bin/sh","Tty":true,"Env":["A=b"],
        "ExposedPorts":{"80/tcp":{}},"HostConfig":{"AutoRemove":true,"Binds":["/data:/data:ro","named:/v"],
        "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"53/udp":[{"HostIp":"127.0.0.1","HostPort":""}]},
        "Memory":67108864,"MemorySwap":134217728,"NanoCpus":500000000,"CpuShares":1024,"PidsLimit":10,
        "Ulimits":[{"Name":"nofile","Soft":64,"Hard":128}],"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}}})");
    ASSERT_TRUE(config) << config.error().what();
    EXPECT_EQ(config->entrypoint, std::vector<std::string>{"/bin/sh"});
    EXPECT_EQ(config->cmd, (std::vector<std::string>{"echo", "hi"}));
    ASSERT_EQ(config->mounts.size(), 2U);
    EXPECT_EQ(config->mounts[0].kind, engine::MountKind::bind);
    EXPECT_TRUE(config->mounts[0].read_only);
    EXPECT_TRUE(config->mounts[0].create_source);
    EXPECT_EQ(config->mounts[1].kind, engine::MountKind::volume);
    ASSERT_EQ(config->ports.size(), 2U);
    EXPECT_EQ(config->ports[0].protocol, net::Protocol::udp);
    EXPECT_EQ(config->ports[0].host_port, 0);
    EXPECT_EQ(config->ports[0].host.text(), "127.0.0.1");
    EXPECT_EQ(config->ports[1].host_port, 8080);
    EXPECT_TRUE(config->ports[1].host.empty());
    EXPECT_EQ(config->resources.memory_max, 67108864);
    EXPECT_EQ(config->resources.swap_max, 67108864);
    EXPECT_EQ(config->resources.cpu_quota_us, 50000U);
    EXPECT_EQ(config->resources.cpu_weight, 39U);
    EXPECT_EQ(config->resources.pids_max, 10);
    ASSERT_EQ(config->ulimits.size(), 1U);
    EXPECT_EQ(config->ulimits[0].type, "RLIMIT_NOFILE");
    EXPECT_EQ(config->log.max_size, 1U << 20U);
}

TEST(DecodeContainer, TakesWhatALogMayCarry) {
    const auto config = decode(R"({"Image":"x","HostConfig":{"LogConfig":{"Type":"json-file","Config":{
        "labels":"a, b","env":"C","compress":"true","mode":"non-blocking","max-buffer-size":"4m"}}}})");
    ASSERT_TRUE(config) << config.error().what();
    EXPECT_EQ(config->log.labels, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(config->log.env, std::vector<std::string>{"C"});
    EXPECT_TRUE(config->log.compress);
}

TEST(DecodeContainer, SaysInDockersWordsWhatIsWrong) {
    const auto refused = [](std::string_view text, std::string_view says) {
        const auto config = decode(text);
        ASSERT_FALSE(config) << text;
        EXPECT_EQ(config.error().kind(), Kind::invalid);
        EXPECT_EQ(config.error().what(), says);
    };
    refused(R"({"Image":"x","Env":["=foo"]})", "invalid environment variable: =foo");
    refused(R"({"Image":"x","HostConfig":{"CpuShares":-1}})",
            "invalid CPU shares (-1): value must be a positive integer");
    refused(R"({"Image":"x","HostConfig":{"Annotations":{"":"a"}}})",
            "invalid Annotations: the empty string is not permitted as an annotation key");
}

TEST(DecodeExec, DetachKeysInEitherCase) {
    for (const auto* text : {R"({"Cmd":["x"],"DetachKeys":"ctrl-p"})", R"({"Cmd":["x"],"detachKeys":"ctrl-p"})"})
        EXPECT_EQ(decode_exec_config(parse_json(text, "test").value()).value().detach_keys, "ctrl-p");
}

TEST(DecodeUpdate, ChangesWhatIsSetAndKeepsTheRest) {
    const engine::ContainerConfig made{
        .raw_host_config = {{"Memory", 67108864}, {"BlkioWeight", 100}, {"PidsLimit", 5}}};
    auto update = decode_update(made, {{"BlkioWeight", 300}, {"PidsLimit", 0}, {"Memory", nullptr}});
    ASSERT_TRUE(update) << update.error().what();
    EXPECT_EQ(update->resources.io_weight, 300U);
    EXPECT_EQ(update->resources.memory_max, 67108864);
    EXPECT_EQ(update->resources.pids_max, 5);
    EXPECT_EQ(update->raw_host_config["BlkioWeight"], 300);
    update = decode_update(made, Json::object());
    ASSERT_TRUE(update);
    EXPECT_EQ(update->resources.io_weight, 100U);
    EXPECT_EQ(decode_update(made, {{"BlkioWeight", 5}}).error().kind(), Kind::invalid);
}

TEST(DecodeContainer, TakesDevicesAsTheCommandLineSendsThem) {
    const auto config = decode(R"({"Image":"x","HostConfig":{"Devices":[
        {"PathOnHost":"/dev/fuse","PathInContainer":"/dev/fuse","CgroupPermissions":"rwm"},
        {"PathOnHost":"/dev/snd/","PathInContainer":"/dev/sound","CgroupPermissions":"r"},
        {"PathOnHost":"/dev/kvm"}]}})");
    ASSERT_TRUE(config) << config.error().what();
    ASSERT_EQ(config->devices.size(), 3U);
    EXPECT_EQ(config->devices[0].host, "/dev/fuse");
    EXPECT_EQ(config->devices[0].access, "rwm");
    EXPECT_EQ(config->devices[1].host, "/dev/snd");
    EXPECT_EQ(config->devices[1].inside, "/dev/sound");
    EXPECT_EQ(config->devices[1].access, "r");
    EXPECT_EQ(config->devices[2].inside, "");
    EXPECT_EQ(config->devices[2].access, "rwm");
}

TEST(DecodeContainer, TakesTheRarerOptions) {
    const auto config = decode(R"({"Image":"x","Healthcheck":{"Test":["CMD","probe"],"Retries":2},"HostConfig":{
        "VolumesFrom":["a:ro"],"CgroupParent":"/web//front/","DeviceCgroupRules":["c 189:* rw"],"BlkioWeight":300,
        "BlkioDeviceReadBps":[{"Path":"/dev/vda","Rate":1048576}],"OomKillDisable":true,"MemorySwappiness":10,
        "ContainerIDFile":"/tmp/id","Annotations":{"a":"b"},"MaskedPaths":[],"UsernsMode":"host","Memory":67108864,
        "PortBindings":{"80/tcp":[{"HostPort":"8000-8010"}]},"Runtime":"io.containerd.runc.v2",
        "Mounts":[{"Type":"volume","Source":"v","Target":"/v","VolumeOptions":{"Subpath":"a/b","Labels":{"l":"1"},
                   "DriverConfig":{"Name":"local","Options":{"type":"tmpfs"}}}},
                  {"Type":"image","Source":"i","Target":"/i","ImageOptions":{"Subpath":"s"}},
                  {"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":4096,"Options":[["noexec"],["uid","5"]]}},
                  {"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true,"BindOptions":{"NonRecursive":true}}]}})");
    ASSERT_TRUE(config) << config.error().what();
    EXPECT_EQ(config->health->retries, 2);
    EXPECT_EQ(config->volumes_from, std::vector<std::string>{"a:ro"});
    EXPECT_EQ(config->cgroup_parent, "web/front");
    ASSERT_EQ(config->device_rules.size(), 1U);
    EXPECT_EQ(config->device_rules[0].major, 189);
    EXPECT_EQ(config->device_rules[0].minor, -1);
    ASSERT_EQ(config->block_limits.size(), 1U);
    EXPECT_EQ(config->block_limits[0].key, "rbps");
    EXPECT_EQ(config->resources.io_weight, 300U);
    EXPECT_EQ(config->warnings.size(), 2U);
    EXPECT_TRUE(config->masked_paths && config->masked_paths->empty());
    EXPECT_FALSE(config->readonly_paths);
    EXPECT_EQ(config->resources.swap_max, 67108864);
    EXPECT_EQ(config->ports[0].host_port, 8000);
    EXPECT_EQ(config->ports[0].host_port_last, 8010);
    ASSERT_EQ(config->mounts.size(), 4U);
    EXPECT_EQ(config->mounts[0].subpath, "a/b");
    EXPECT_EQ(config->mounts[0].driver_options.at("type"), "tmpfs");
    EXPECT_EQ(config->mounts[1].kind, engine::MountKind::image);
    EXPECT_EQ(config->mounts[2].tmpfs_options, "mode=1777,size=4096,noexec,uid=5");
    EXPECT_TRUE(config->mounts[3].top_only);
}

struct Refusal {
    const char* body;
    Kind kind;
    const char* says;
};

TEST(DecodeContainer, RefusesByName) {
    const Refusal refusals[] = {
        {R"({})", Kind::invalid, "no image"},
        {R"({"Image":"x","HostConfig":{"UsernsMode":"private"}})", Kind::unsupported, "--userns"},
        {R"({"Image":"x","Healthcheck":{"Test":["CMD","true"],"Interval":1}})", Kind::invalid, "1ms"},
        {R"({"Image":"x","HostConfig":{"DeviceRequests":[{"Count":-1}]}})", Kind::unsupported, "--gpus"},
        {R"({"Image":"x","HostConfig":{"StorageOpt":{"size":"big"}}})", Kind::invalid, "--storage-opt size"},
        {R"({"Image":"x","HostConfig":{"StorageOpt":{"colour":"red"}}})", Kind::invalid, "Unknown option colour"},
        {R"({"Image":"x","HostConfig":{"DeviceCgroupRules":["c 1:3 q"]}})", Kind::invalid, "c 1:3 q"},
        {R"({"Image":"x","HostConfig":{"CgroupParent":"a.slice"}})", Kind::invalid, "slice"},
        {R"({"Image":"x","HostConfig":{"CgroupParent":"/a/../b"}})", Kind::invalid, ".."},
        {R"({"Image":"x","HostConfig":{"BlkioWeight":5}})", Kind::invalid, "10 to 1000"},
        {R"({"Image":"x","HostConfig":{"Annotations":{"":"x"}}})", Kind::invalid, "annotation"},
        {R"({"Image":"x","HostConfig":{"CpusetCpus":"0-99999"}})", Kind::invalid, "cpus"},
        {R"({"Image":"x","HostConfig":{"CpusetCpus":"8000"}})", Kind::invalid, "not available"},
        {R"({"Image":"x","HostConfig":{"NanoCpus":9000000000000}})", Kind::invalid, "CPUs available"},
        {R"({"Image":"x","HostConfig":{"MemorySwappiness":101}})", Kind::invalid, "0-100"},
        {R"({"Image":"x","HostConfig":{"Tmpfs":{"/t":"colour=red"}}})", Kind::invalid, "colour"},
        {R"({"Image":"x","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"9-8"}]}}})", Kind::invalid, "9-8"},
        {R"({"Image":"x","HostConfig":{"Mounts":[{"Type":"bind","Source":"/a","Target":"/b","VolumeOptions":{}}]}})",
         Kind::invalid, "VolumeOptions"},
        {R"({"Image":"x","HostConfig":{"Memory":67108864,"MemorySwap":1048576}})", Kind::invalid, "memoryswap"},
        {R"({"Image":"x","HostConfig":{"RestartPolicy":{"Name":"sometimes"}}})", Kind::invalid, "sometimes"},
        {R"({"Image":"x","HostConfig":{"Binds":["/a:/b:sideways"]}})", Kind::invalid, "sideways"},
        {R"({"Image":"x","HostConfig":{"Mounts":[{"Type":"npipe","Target":"/x"}]}})", Kind::unsupported, "npipe"},
        {R"({"Image":"x","HostConfig":{"PortBindings":{"99999/tcp":[]}}})", Kind::invalid, "99999"},
        {R"({"Image":"x","HostConfig":{"PortBindings":{"80/icmp":[]}}})", Kind::invalid, "icmp"},
        {R"({"Image":"x","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"70000"}]}}})", Kind::invalid, "70000"},
        {R"({"Image":"x","HostConfig":{"LogConfig":{"Type":"syslog"}}})", Kind::unsupported, "syslog"},
        {R"({"Image":"x","HostConfig":{"LogConfig":{"Config":{"colour":"red"}}}})", Kind::invalid, "colour"},
        {R"({"Image":"x","HostConfig":{"Devices":[{"PathOnHost":"fuse"}]}})", Kind::invalid, "absolute"},
        {R"({"Image":"x","HostConfig":{"Devices":[{"PathOnHost":"/dev/fuse","CgroupPermissions":"rx"}]}})",
         Kind::invalid, "rx"},
        {R"({"Image":"x","HostConfig":{"Runtime":"kata"}})", Kind::invalid, "kata"},
        {R"({"Image":"x","Env":["=x"]})", Kind::invalid, "environment"},
        {R"({"Image":["x"]})", Kind::invalid, "string"},
    };
    for (const auto& refusal : refusals) {
        const auto config = decode(refusal.body);
        ASSERT_FALSE(config) << refusal.body;
        EXPECT_EQ(config.error().kind(), refusal.kind) << refusal.body;
        EXPECT_NE(config.error().what().find(refusal.says), std::string::npos) << config.error().what();
    }
}

TEST(DecodeContainer, EmptyAndDefaultValuesOfUnsupportedFieldsPass) {
    EXPECT_TRUE(decode(
        R"({"Image":"x","HostConfig":{"Links":null,"VolumesFrom":[],"CgroupParent":"","BlkioWeight":0,"UsernsMode":"",
        "OomKillDisable":false,"DeviceRequests":[],"Isolation":"default","ConsoleSize":[0,0],"NotADockerField":{"a":1}}})"));
}

TEST(DetachKeys, DefaultIsCtrlPCtrlQ) {
    auto keys = *DetachKeys::parse("");
    auto scanned = keys.scan("ab\x10\x11zz");
    EXPECT_EQ(scanned.pass, "ab");
    EXPECT_TRUE(scanned.detached);
}

TEST(DetachKeys, BrokenSequencesPassWhole) {
    auto keys = *DetachKeys::parse("");
    EXPECT_EQ(keys.scan("a\x10").pass, "a");
    EXPECT_EQ(keys.scan("b").pass,
              "\x10"
              "b");
    EXPECT_EQ(keys.scan("\x10\x10\x11").pass, "\x10");
}

TEST(DetachKeys, ParsesDockersNotation) {
    auto keys = *DetachKeys::parse("ctrl-],x");
    EXPECT_TRUE(keys.scan("\x1dx").detached);
    EXPECT_FALSE(DetachKeys::parse("ctrl-1"));
    EXPECT_FALSE(DetachKeys::parse("ab"));
}

}  // namespace
}  // namespace diatom::api
