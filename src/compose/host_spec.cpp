#include "compose/host_spec.h"

#include <array>
#include <cmath>

#include "base/strings.h"

namespace diatom::compose {
namespace {

struct Renamed {
    const char* key;
    const char* name;
};
constexpr std::array kSame{
    Renamed{"cap_add", "CapAdd"},
    Renamed{"cap_drop", "CapDrop"},
    Renamed{"dns", "Dns"},
    Renamed{"dns_opt", "DnsOptions"},
    Renamed{"dns_search", "DnsSearch"},
    Renamed{"group_add", "GroupAdd"},
    Renamed{"ipc", "IpcMode"},
    Renamed{"pid", "PidMode"},
    Renamed{"uts", "UTSMode"},
    Renamed{"userns_mode", "UsernsMode"},
    Renamed{"cgroup", "CgroupnsMode"},
    Renamed{"cgroup_parent", "CgroupParent"},
    Renamed{"privileged", "Privileged"},
    Renamed{"read_only", "ReadonlyRootfs"},
    Renamed{"security_opt", "SecurityOpt"},
    Renamed{"storage_opt", "StorageOpt"},
    Renamed{"sysctls", "Sysctls"},
    Renamed{"runtime", "Runtime"},
    Renamed{"isolation", "Isolation"},
    Renamed{"init", "Init"},
    Renamed{"cpu_shares", "CpuShares"},
    Renamed{"cpu_quota", "CpuQuota"},
    Renamed{"cpu_period", "CpuPeriod"},
    Renamed{"cpu_rt_period", "CpuRealtimePeriod"},
    Renamed{"cpuset", "CpusetCpus"},
    Renamed{"cpu_rt_runtime", "CpuRealtimeRuntime"},
    Renamed{"cpu_count", "CpuCount"},
    Renamed{"cpu_percent", "CpuPercent"},
    Renamed{"pids_limit", "PidsLimit"},
    Renamed{"oom_kill_disable", "OomKillDisable"},
    Renamed{"annotations", "Annotations"},
    Renamed{"oom_score_adj", "OomScoreAdj"},
    Renamed{"device_cgroup_rules", "DeviceCgroupRules"},
};

std::int64_t bytes_of(const Value& value) { return parse_int(value.scalar_text()).value_or(0); }

std::int64_t nano_cpus(const Value& value) {
    const double cpus = value.type() == Value::Type::integer ? static_cast<double>(value.integer())
                        : value.type() == Value::Type::real  ? value.real()
                                                             : 0;
    return std::llround(cpus * 1e9);
}

void set_resources(const Value& service, Value& host) {
    const auto& resources = service.at("deploy").at("resources");
    const auto& limits = resources.at("limits");
    const auto set_bytes = [&](const Value& from, const char* name) {
        if (!from.is_null()) host.set(name, Value::of(bytes_of(from)));
    };
    set_bytes(limits.at("memory"), "Memory");
    set_bytes(resources.at("reservations").at("memory"), "MemoryReservation");
    set_bytes(service.at("mem_limit"), "Memory");
    set_bytes(service.at("mem_reservation"), "MemoryReservation");
    set_bytes(service.at("memswap_limit"), "MemorySwap");
    set_bytes(service.at("mem_swappiness"), "MemorySwappiness");
    set_bytes(service.at("shm_size"), "ShmSize");
    if (limits.has("cpus")) host.set("NanoCpus", Value::of(nano_cpus(limits.at("cpus"))));
    if (service.has("cpus")) host.set("NanoCpus", Value::of(nano_cpus(service.at("cpus"))));
    if (limits.has("pids")) host.set("PidsLimit", limits.at("pids"));
}

// restart, or else what deploy.restart_policy says.
Result<void> set_restart(const Value& service, Value& host) {
    const auto text = service.text_of("restart");
    auto policy = Value::map();
    if (!text.empty()) {
        const auto halves = cut(text, ':');
        policy.set("Name", halves ? halves->first : std::string_view(text));
        const auto count = halves ? parse_int(halves->second) : std::optional<std::int64_t>(0);
        if (!count) return service.error("restart", std::format("\"{}\" must be on-failure[:COUNT]", text));
        policy.set("MaximumRetryCount", Value::of(*count));
    } else if (const auto& deploy = service.at("deploy").at("restart_policy"); deploy.is_map()) {
        const auto condition = deploy.text_of("condition");
        policy.set("Name", condition == "none" ? "no" : condition == "on-failure" ? "on-failure" : "always");
        policy.set("MaximumRetryCount", Value::of(deploy.integer_of("max_attempts")));
    } else {
        return {};
    }
    host.set("RestartPolicy", std::move(policy));
    return {};
}

void set_ports(const Value& service, Value& host) {
    auto bindings = Value::map();
    for (const auto& port : service.at("ports").items()) {
        const auto key = std::format("{}/{}", port.integer_of("target"), port.text_of("protocol", "tcp"));
        auto binding = Value::map();
        binding.set("HostIp", port.text_of("host_ip"));
        binding.set("HostPort", port.text_of("published"));
        if (!bindings.has(key)) bindings.set(key, Value::list());
        bindings.find(key)->add(std::move(binding));
    }
    host.set("PortBindings", std::move(bindings));
}

void set_limits(const Value& service, Value& host) {
    auto list = Value::list();
    for (const auto& [name, limit] : service.at("ulimits").members()) {
        const bool single = limit.type() == Value::Type::integer;
        auto one = Value::map();
        one.set("Name", name);
        one.set("Soft", Value::of(single ? limit.integer() : limit.integer_of("soft")));
        one.set("Hard", Value::of(single ? limit.integer() : limit.integer_of("hard")));
        list.add(std::move(one));
    }
    if (!list.items().empty()) host.set("Ulimits", std::move(list));
}

void add_request(const Value& request, Value& list) {
    auto one = Value::map();
    one.set("Driver", request.text_of("driver"));
    if (request.has("count")) one.set("Count", request.at("count"));
    if (request.has("device_ids")) one.set("DeviceIDs", request.at("device_ids"));
    auto capabilities = Value::list();
    auto group = Value::of(request.texts_of("capabilities"));
    if (group.items().empty()) group.add(Value::of("gpu"));
    capabilities.add(std::move(group));
    one.set("Capabilities", std::move(capabilities));
    if (request.has("options")) one.set("Options", request.at("options"));
    list.add(std::move(one));
}

void set_devices(const Value& service, Value& host) {
    auto list = Value::list();
    for (const auto& device : service.at("devices").items()) {
        auto one = Value::map();
        one.set("PathOnHost", device.text_of("source"));
        one.set("PathInContainer", device.text_of("target", device.text_of("source")));
        one.set("CgroupPermissions", device.text_of("permissions", "rwm"));
        list.add(std::move(one));
    }
    if (!list.items().empty()) host.set("Devices", std::move(list));
    auto requests = Value::list();
    for (const auto& request : service.at("gpus").items()) add_request(request, requests);
    for (const auto& request : service.at("deploy").at("resources").at("reservations").at("devices").items()) {
        add_request(request, requests);
    }
    if (!requests.items().empty()) host.set("DeviceRequests", std::move(requests));
}

void set_block_devices(const Value& service, Value& host) {
    const auto& blkio = service.at("blkio_config");
    if (!blkio.is_map()) return;
    if (blkio.has("weight")) host.set("BlkioWeight", blkio.at("weight"));
    if (blkio.has("weight_device")) host.set("BlkioWeightDevice", blkio.at("weight_device"));
    for (const auto& [key, name] :
         {Renamed{"device_read_bps", "BlkioDeviceReadBps"}, Renamed{"device_read_iops", "BlkioDeviceReadIOps"},
          Renamed{"device_write_bps", "BlkioDeviceWriteBps"}, Renamed{"device_write_iops", "BlkioDeviceWriteIOps"}}) {
        auto list = Value::list();
        for (const auto& device : blkio.at(key).items()) {
            auto one = Value::map();
            one.set("Path", device.text_of("Path"));
            one.set("Rate", Value::of(bytes_of(device.at("Rate"))));
            list.add(std::move(one));
        }
        if (!list.items().empty()) host.set(name, std::move(list));
    }
}

Value mount(std::string_view type, const std::string& source, const std::string& target, bool read_only) {
    auto made = Value::map();
    made.set("Type", type);
    if (!source.empty()) made.set("Source", source);
    made.set("Target", target);
    if (read_only) made.set("ReadOnly", Value::of(true));
    return made;
}

Value bind_mount(const Value& volume, const std::string& source, const std::string& target, bool read_only) {
    auto made = mount("bind", source, target, read_only);
    const auto& bind = volume.at("bind");
    const auto recursive = bind.text_of("recursive");
    if (!bind.has("propagation") && recursive.empty()) return made;
    auto options = Value::map();
    if (bind.has("propagation")) options.set("Propagation", bind.at("propagation"));
    if (recursive == "disabled") options.set("NonRecursive", Value::of(true));
    if (recursive == "writable") options.set("ReadOnlyNonRecursive", Value::of(true));
    if (recursive == "readonly") options.set("ReadOnlyForceRecursive", Value::of(true));
    made.set("BindOptions", std::move(options));
    return made;
}

Value volume_mount(const Project& project, const Value& volume, const std::string& target, bool read_only) {
    const auto key = volume.text_of("source");
    auto made = mount("volume", project.document.at("volumes").at(key).text_of("name", key), target, read_only);
    auto options = Value::map();
    if (volume.at("volume").boolean_of("nocopy")) options.set("NoCopy", Value::of(true));
    if (volume.at("volume").has("subpath")) options.set("Subpath", volume.at("volume").at("subpath"));
    made.set("VolumeOptions", std::move(options));
    return made;
}

Value tmpfs_mount(const Value& volume, const std::string& target, bool read_only) {
    auto made = mount("tmpfs", "", target, read_only);
    auto options = Value::map();
    const auto& tmpfs = volume.at("tmpfs");
    if (tmpfs.has("size")) options.set("SizeBytes", Value::of(bytes_of(tmpfs.at("size"))));
    if (tmpfs.has("mode")) options.set("Mode", tmpfs.at("mode"));
    made.set("TmpfsOptions", std::move(options));
    return made;
}

// A bind mount whose source may be missing: the API makes directories for Binds only.
std::string bind_text(const Value& volume) {
    std::vector<std::string> options{volume.boolean_of("read_only") ? "ro" : "rw"};
    const auto& bind = volume.at("bind");
    if (bind.has("propagation")) options.push_back(bind.text_of("propagation"));
    if (bind.has("selinux")) options.push_back(bind.text_of("selinux"));
    return std::format("{}:{}:{}", volume.text_of("source"), volume.text_of("target"), join(options, ","));
}

// Secrets and configs that are files.
Result<void> add_files(const Project& project, const Value& service, const char* section, const char* directory,
                       Value& mounts) {
    for (const auto& item : service.at(section).items()) {
        const auto source = item.text_of("source");
        const auto& object = project.document.at(section).at(source);
        auto target = item.text_of("target", directory + source);
        if (!target.starts_with('/')) target = directory + target;
        if (object.boolean_of("external")) {
            return item.error(std::format("{}.{}", section, source), "is external, which needs a swarm: give it a file",
                              Kind::unsupported);
        }
        if (object.has("file")) mounts.add(mount("bind", object.text_of("file"), target, true));
    }
    return {};
}

Result<void> set_mounts(const Project& project, const Value& service, Value& host) {
    auto binds = Value::list();
    auto mounts = Value::list();
    for (const auto& volume : service.at("volumes").items()) {
        const auto type = volume.text_of("type"), target = volume.text_of("target");
        const bool read_only = volume.boolean_of("read_only");
        if (type == "bind" && volume.at("bind").boolean_of("create_host_path")) binds.add(Value::of(bind_text(volume)));
        else if (type == "bind") mounts.add(bind_mount(volume, volume.text_of("source"), target, read_only));
        else if (type == "volume") mounts.add(volume_mount(project, volume, target, read_only));
        else if (type == "tmpfs") mounts.add(tmpfs_mount(volume, target, read_only));
        else mounts.add(mount(type, volume.text_of("source"), target, read_only));
    }
    TRY(add_files(project, service, "secrets", "/run/secrets/", mounts));
    TRY(add_files(project, service, "configs", "/", mounts));
    if (!binds.items().empty()) host.set("Binds", std::move(binds));
    if (!mounts.items().empty()) host.set("Mounts", std::move(mounts));
    auto tmpfs = Value::map();
    for (const auto& text : service.texts_of("tmpfs")) {
        const auto halves = cut(text, ':');
        tmpfs.set(halves ? halves->first : std::string_view(text), halves ? halves->second : std::string_view());
    }
    if (!tmpfs.members().empty()) host.set("Tmpfs", std::move(tmpfs));
    return {};
}

void set_hosts(const Value& service, Value& host) {
    auto list = Value::list();
    for (const auto& entry : service.texts_of("extra_hosts")) {
        const auto halves = cut(entry, '=');
        if (halves) list.add(Value::of(std::format("{}:{}", halves->first, halves->second)));
    }
    host.set("ExtraHosts", std::move(list));
}

}  // namespace

Result<Value> host_config(const Project& project, const ContainerPlan& plan) {
    const auto& service = project.services().at(plan.service);
    auto host = Value::map();
    for (const auto& [key, name] : kSame) {
        if (const auto* found = service.find(key)) host.set(name, *found);
    }
    set_resources(service, host);
    TRY(set_restart(service, host));
    set_ports(service, host);
    set_limits(service, host);
    set_devices(service, host);
    set_block_devices(service, host);
    TRY(set_mounts(project, service, host));
    set_hosts(service, host);
    if (service.has("logging")) {
        auto log = Value::map();
        log.set("Type", service.at("logging").text_of("driver"));
        if (service.at("logging").has("options")) log.set("Config", service.at("logging").at("options"));
        host.set("LogConfig", std::move(log));
    }
    if (!plan.links.empty()) host.set("Links", Value::of(plan.links));
    if (!plan.volumes_from.empty()) host.set("VolumesFrom", Value::of(plan.volumes_from));
    const auto networks = networks_in_order(service);
    const auto mode = service.text_of("network_mode", networks.empty() ? "none" : "");
    host.set("NetworkMode", !plan.shared_network.empty() ? plan.shared_network
                            : mode.empty()               ? network_name(project, networks[0])
                                                         : mode);
    return host;
}

}  // namespace diatom::compose
