#include <algorithm>
#include <array>

#include "api/decode.h"
#include "base/strings.h"
#include "engine/log_options.h"

namespace diatom::api {
namespace {

// Present, and not what an absent one would mean.
bool is_set(const Json& value) {
    if (value.is_null()) return false;
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value.get<double>() != 0;
    return !value.empty() && !(value.is_string() && value.get<std::string>().empty());
}

struct Refused {
    std::string_view key, flag, why;
};
// Known to Docker, not honoured here.
constexpr std::array kRefused = {
    Refused{"VolumeDriver", "--volume-driver", "there is the driver \"local\" only"},
    Refused{"DeviceRequests", "--gpus", "there is no device driver with these capabilities"},
    Refused{"CpuRealtimePeriod", "--cpu-rt-period", "version 2 of cgroups has no real-time scheduling"},
    Refused{"CpuRealtimeRuntime", "--cpu-rt-runtime", "version 2 of cgroups has no real-time scheduling"},
    Refused{"UsernsMode", "--userns", "invalid USER mode: this engine does not remap users, so it has \"host\" only"},
};

}  // namespace

Result<void> refuse_unsupported(const Json& host) {
    for (const auto& refused : kRefused) {
        const Json& value = json_member(host, refused.key);
        if (!is_set(value) || (refused.key == "UsernsMode" && value == "host")) continue;
        if (refused.key == "VolumeDriver" && value == "local") continue;
        return fail(Kind::unsupported, "HostConfig.{} ({}): {}", refused.key, refused.flag, refused.why);
    }
    const auto isolation = TRY(json_string(host, "Isolation"));
    if (!isolation.empty() && isolation != "default")
        return fail(Kind::invalid, "invalid isolation \"{}\" on Linux", isolation);
    const auto runtime = TRY(json_string(host, "Runtime"));
    static constexpr std::array<std::string_view, 3> kRuntimes = {"diatom", "runc", "io.containerd.runc.v2"};
    if (!runtime.empty() && std::ranges::find(kRuntimes, runtime) == kRuntimes.end()) {
        return fail(Kind::invalid, "unknown or invalid runtime name: {}", runtime);
    }
    return {};
}

Result<void> decode_restart(const Json& host, engine::ContainerConfig& config) {
    using engine::RestartPolicy;
    const Json& policy = json_member(host, "RestartPolicy");
    const auto name = TRY(json_string(policy, "Name"));
    if (name.empty() || name == "no") config.restart = RestartPolicy::no;
    else if (name == "always") config.restart = RestartPolicy::always;
    else if (name == "unless-stopped") config.restart = RestartPolicy::unless_stopped;
    else if (name == "on-failure") config.restart = RestartPolicy::on_failure;
    else
        return fail(
            Kind::invalid,
            "invalid restart policy: unknown policy '{}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            name);
    const auto most = TRY(json_int(policy, "MaximumRetryCount"));
    if (most < 0) return fail(Kind::invalid, "invalid restart policy: maximum retry count cannot be negative");
    config.restart_max = static_cast<unsigned>(most);
    return {};
}

namespace {

// "/dev/snd/" is the directory "/dev/snd".
std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

Result<void> decode_devices(const Json& host, engine::ContainerConfig& config) {
    const Json& devices = json_member(host, "Devices");
    if (devices.is_null()) return {};
    if (!devices.is_array()) return fail(Kind::invalid, "\"Devices\" must be a list");
    for (const auto& item : devices) {
        const auto on_host = TRY(json_string(item, "PathOnHost"));
        const auto inside = TRY(json_string(item, "PathInContainer"), "device {}", on_host);
        auto access = TRY(json_string(item, "CgroupPermissions"), "device {}", on_host);
        if (access.empty()) access = "rwm";
        for (const auto& path : {on_host, inside.empty() ? on_host : inside}) {
            if (!path.starts_with('/')) return fail(Kind::invalid, "device \"{}\": the path must be absolute", path);
        }
        if (access.find_first_not_of("rwm") != std::string::npos)
            return fail(Kind::invalid, "device {}: invalid mode \"{}\": it must be of r, w and m", on_host, access);
        config.devices.push_back({.host = without_slash(on_host), .inside = without_slash(inside), .access = access});
    }
    return {};
}

Result<void> decode_lists(const Json& host, engine::ContainerConfig& config) {
    config.cap_add = TRY(json_strings(host, "CapAdd"));
    config.cap_drop = TRY(json_strings(host, "CapDrop"));
    config.group_add = TRY(json_strings(host, "GroupAdd"));
    config.dns = TRY(json_strings(host, "Dns"));
    config.dns_search = TRY(json_strings(host, "DnsSearch"));
    config.dns_options = TRY(json_strings(host, "DnsOptions"));
    config.extra_hosts = TRY(json_strings(host, "ExtraHosts"));
    config.security_opt = TRY(json_strings(host, "SecurityOpt"));
    config.sysctls = TRY(json_string_map(host, "Sysctls"));
    return {};
}

Result<void> decode_modes(const Json& host, engine::ContainerConfig& config) {
    config.pid_mode = TRY(json_string(host, "PidMode"));
    config.ipc_mode = TRY(json_string(host, "IpcMode"));
    config.uts_mode = TRY(json_string(host, "UTSMode"));
    config.cgroupns_mode = TRY(json_string(host, "CgroupnsMode"));
    config.network_mode = TRY(json_string(host, "NetworkMode", "default"));
    if (config.network_mode.empty()) config.network_mode = "default";
    return {};
}

Result<void> decode_storage(const Json& host, engine::ContainerConfig& config) {
    for (const auto& [key, value] : TRY(json_string_map(host, "StorageOpt"))) {
        if (key != "size") return fail(Kind::invalid, "Unknown option {}: --storage-opt has size", key);
        const auto size = parse_bytes(value);
        if (!size || *size == 0) return fail(Kind::invalid, "invalid size: '{}' (--storage-opt size)", value);
        config.storage_size = *size;
    }
    return {};
}

}  // namespace

Result<void> decode_host_config(const Json& host, engine::ContainerConfig& config) {
    TRY(refuse_unsupported(host));
    TRY(decode_modes(host, config));
    TRY(decode_lists(host, config));
    config.auto_remove = TRY(json_bool(host, "AutoRemove"));
    config.privileged = TRY(json_bool(host, "Privileged"));
    config.read_only_root = TRY(json_bool(host, "ReadonlyRootfs"));
    config.publish_all = TRY(json_bool(host, "PublishAllPorts"));
    config.init = TRY(json_bool(host, "Init"));
    if (!json_member(host, "OomScoreAdj").is_null()) {
        const auto adjust = TRY(json_int(host, "OomScoreAdj"));
        if (adjust < -1000 || adjust > 1000)
            return fail(Kind::invalid, "Invalid value {}, range for oom score adj is [-1000, 1000]", adjust);
        if (adjust != 0) config.oom_score_adj = static_cast<int>(adjust);
    }
    const auto shm = TRY(json_int(host, "ShmSize"));
    if (shm < 0) return fail(Kind::invalid, "SHM size can not be less than 0");
    if (shm > 0) config.shm_size = static_cast<std::uint64_t>(shm);
    TRY(decode_storage(host, config));
    TRY(decode_restart(host, config));
    const Json& log = json_member(host, "LogConfig");
    config.log = TRY(engine::parse_log_options(TRY(json_string(log, "Type")), TRY(json_string_map(log, "Config"))));
    TRY(decode_devices(host, config));
    TRY(decode_mounts(host, config));
    TRY(decode_options(host, config));
    TRY(decode_resources(host, config));
    return decode_ports(host, config);
}

}  // namespace diatom::api
