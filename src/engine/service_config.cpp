#include "engine/service_config.h"

#include "runtime/host_devices.h"

namespace diatom::engine {
namespace {

// What services say is kept in the machine's log: here, long enough for that.
constexpr std::uint64_t kLogBytes = 1U << 20U;
constexpr unsigned kLogFiles = 2;

RestartPolicy policy_of(config::ServiceRestart restart) {
    switch (restart) {
        case config::ServiceRestart::no: return RestartPolicy::no;
        case config::ServiceRestart::always: return RestartPolicy::always;
        case config::ServiceRestart::on_failure: return RestartPolicy::on_failure;
        case config::ServiceRestart::unless_stopped: return RestartPolicy::unless_stopped;
    }
    return RestartPolicy::no;
}

MountPoint mount_of(const config::ServiceMount& mount) {
    const bool bind = mount.kind == config::ServiceMount::Kind::bind;
    return {.kind = bind ? MountKind::bind : MountKind::tmpfs,
            .source = mount.source,
            .target = mount.target,
            .read_only = mount.read_only,
            .create_source = bind,
            .propagation = mount.propagation,
            .tmpfs_options = mount.tmpfs_options};
}

void add_devices(ContainerConfig& config, const std::vector<std::string>& paths, std::vector<std::string>& missing) {
    for (const auto& path : paths) {
        if (runtime::host_device(path)) config.devices.push_back({.host = path, .inside = {}});
        else missing.push_back(path);
    }
}

}  // namespace

Result<ContainerConfig> service_config(const config::SystemService& service, std::vector<std::string>& missing) {
    ContainerConfig config;
    config.system_root = service.root == config::RootKind::system_root;
    config.host_root = !config.system_root;
    config.image = config.system_root ? "diatom/system" : "diatom/host";
    config.cmd = service.command;
    config.env = service.environment;
    for (const auto& mount : service.mounts) config.mounts.push_back(mount_of(mount));
    add_devices(config, service.devices, missing);
    config.log.max_size = kLogBytes;
    config.log.max_files = kLogFiles;
    config.cap_add = service.cap_add;
    config.cap_drop = service.cap_drop;
    config.labels = service.labels;
    config.labels[kServiceLabel] = service.name;
    if (!service.shutdown_signal.empty()) config.labels[kShutdownSignalLabel] = service.shutdown_signal;
    config.stop_signal = service.stop_signal;
    config.user = service.user;
    config.working_dir = service.working_dir;
    config.hostname = service.hostname;
    config.privileged = service.privileged;
    config.read_only_root = service.read_only;
    config.network_mode = service.host_network ? "host" : "none";
    config.pid_mode = service.host_pid ? "host" : "";
    config.ipc_mode = service.host_ipc ? "host" : "";
    config.uts_mode = service.host_uts ? "host" : "";
    config.cgroupns_mode = service.host_cgroup ? "host" : "";
    config.tty = service.tty;
    config.restart = policy_of(service.restart);
    config.stop_timeout_s = service.stop_grace_s;
    config.oom_score_adj = service.oom_score_adj;
    if (service.cpu_shares) config.resources.cpu_weight = runtime::cpu_weight_of_shares(*service.cpu_shares);
    return config;
}

}  // namespace diatom::engine
