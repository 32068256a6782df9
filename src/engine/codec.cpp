#include "engine/codec.h"

#include "engine/archive.h"
#include "engine/codec_health.h"
#include "engine/codec_network.h"

namespace diatom::engine {

template <>
struct EnumNames<RestartPolicy> {
    static constexpr std::array<const char*, 4> kNames = {"no", "always", "on-failure", "unless-stopped"};
};
template <>
struct EnumNames<MountKind> {
    static constexpr std::array<const char*, 4> kNames = {"bind", "volume", "tmpfs", "image"};
};
template <>
struct EnumNames<LogDriver> {
    static constexpr std::array<const char*, 3> kNames = {"json-file", "none", "local"};
};
template <>
struct EnumNames<Status> {
    static constexpr std::array<const char*, 7> kNames = {"created",  "running", "paused", "restarting",
                                                          "removing", "exited",  "dead"};
};

std::string_view to_string(Status status) { return EnumNames<Status>::kNames[static_cast<std::size_t>(status)]; }
std::string_view to_string(HealthStatus status) {
    return EnumNames<HealthStatus>::kNames[static_cast<std::size_t>(status)];
}
bool is_active(Status status) noexcept {
    return status == Status::running || status == Status::paused || status == Status::restarting;
}
std::string_view to_string(RestartPolicy policy) {
    return EnumNames<RestartPolicy>::kNames[static_cast<std::size_t>(policy)];
}
std::string_view to_string(LogDriver driver) { return EnumNames<LogDriver>::kNames[static_cast<std::size_t>(driver)]; }
std::string_view to_string(MountKind kind) { return EnumNames<MountKind>::kNames[static_cast<std::size_t>(kind)]; }

namespace {

template <class A>
void digest_field(A& archive, const char* key, image::Digest& digest) {
    std::string text = digest.text();
    archive(key, text);
    if constexpr (std::same_as<A, Reader>) digest = image::Digest::parse(text).value_or(image::Digest());
}

template <class A>
void one_char(A& archive, const char* key, char& value) {
    std::string text(1, value);
    archive(key, text);
    if (!text.empty()) value = text.front();
}

}  // namespace

template <class A>
void fields(A& archive, MountPoint& mount) {
    archive("kind", mount.kind);
    archive("source", mount.source);
    archive("target", mount.target);
    archive("read_only", mount.read_only);
    archive("no_copy", mount.no_copy);
    archive("create_source", mount.create_source);
    archive("propagation", mount.propagation);
    archive("tmpfs_options", mount.tmpfs_options);
    archive("top_only", mount.top_only);
    archive("writable_below", mount.writable_below);
    archive("subpath", mount.subpath);
    archive("labels", mount.labels);
    archive("driver_options", mount.driver_options);
}

template <class A>
void fields(A& archive, LogOptions& log) {
    archive("driver", log.driver);
    archive("max_size", log.max_size);
    archive("max_files", log.max_files);
    archive("labels", log.labels);
    archive("env", log.env);
    archive("compress", log.compress);
    archive("labels_regex", log.labels_regex);
    archive("env_regex", log.env_regex);
    archive("tag", log.tag);
    archive("given", log.given);
}

template <class A>
void fields(A& archive, DeviceMapping& device) {
    archive("path", device.host);
    archive("inside", device.inside);
    archive("access", device.access);
}

template <class A>
void fields(A& archive, runtime::DeviceRule& rule) {
    archive("allow", rule.allow);
    one_char(archive, "type", rule.type);
    archive("major", rule.major);
    archive("minor", rule.minor);
    archive("access", rule.access);
}

template <class A>
void fields(A& archive, runtime::Rlimit& limit) {
    archive("type", limit.type);
    archive("soft", limit.soft);
    archive("hard", limit.hard);
}

template <class A>
void fields(A& archive, runtime::Resources& resources) {
    archive("memory_max", resources.memory_max);
    archive("memory_low", resources.memory_low);
    archive("memory_high", resources.memory_high);
    archive("swap_max", resources.swap_max);
    archive("pids_max", resources.pids_max);
    archive("cpu_weight", resources.cpu_weight);
    archive("cpu_quota_us", resources.cpu_quota_us);
    archive("cpu_period_us", resources.cpu_period_us);
    archive("io_weight", resources.io_weight);
    archive("cpus", resources.cpus);
    archive("mems", resources.mems);
    archive("unified", resources.unified);
    archive("devices", resources.devices);
}

template <class A>
void image_fields(A& archive, ContainerConfig& config) {
    archive("image", config.image);
    archive("hostname", config.hostname);
    archive("domainname", config.domainname);
    archive("user", config.user);
    archive("working_dir", config.working_dir);
    archive("stop_signal", config.stop_signal);
    archive("entrypoint", config.entrypoint);
    archive("cmd", config.cmd);
    archive("env", config.env);
    archive("exposed_ports", config.exposed_ports);
    archive("volumes", config.volumes);
    archive("labels", config.labels);
    archive("tty", config.tty);
    archive("open_stdin", config.open_stdin);
    archive("stdin_once", config.stdin_once);
    archive("attach_stdin", config.attach_stdin);
    archive("attach_stdout", config.attach_stdout);
    archive("attach_stderr", config.attach_stderr);
    archive("stop_timeout_s", config.stop_timeout_s);
    archive("health", config.health);
    archive("platform", config.platform);
}

template <class A>
void fields(A& archive, ContainerConfig& config) {
    image_fields(archive, config);
    archive("mounts", config.mounts);
    archive("volumes_from", config.volumes_from);
    archive("network_mode", config.network_mode);
    archive("networks", config.networks);
    archive("mac", config.mac);
    archive("links", config.links);
    archive("ports", config.ports);
    archive("publish_all", config.publish_all);
    archive("auto_remove", config.auto_remove);
    archive("privileged", config.privileged);
    archive("read_only_root", config.read_only_root);
    archive("init", config.init);
    archive("pid_mode", config.pid_mode);
    archive("ipc_mode", config.ipc_mode);
    archive("uts_mode", config.uts_mode);
    archive("cgroupns_mode", config.cgroupns_mode);
    archive("cap_add", config.cap_add);
    archive("cap_drop", config.cap_drop);
    archive("group_add", config.group_add);
    archive("dns", config.dns);
    archive("dns_search", config.dns_search);
    archive("dns_options", config.dns_options);
    archive("extra_hosts", config.extra_hosts);
    archive("security_opt", config.security_opt);
    archive("devices", config.devices);
    archive("ulimits", config.ulimits);
    archive("sysctls", config.sysctls);
    archive("resources", config.resources);
    archive("block_limits", config.block_limits);
    archive("device_rules", config.device_rules);
    archive("cgroup_parent", config.cgroup_parent);
    archive("masked_paths", config.masked_paths);
    archive("readonly_paths", config.readonly_paths);
    archive("oom_score_adj", config.oom_score_adj);
    archive("shm_size", config.shm_size);
    archive("storage_size", config.storage_size);
    archive("restart", config.restart);
    archive("restart_max", config.restart_max);
    archive("log", config.log);
    archive("system_root", config.system_root);
    archive("host_root", config.host_root);
    archive("raw_host_config", config.raw_host_config);
}

template <class A>
void fields(A& archive, ContainerState& state) {
    archive("status", state.status);
    archive("pid", state.process.pid);
    archive("start_time", state.process.start_time);
    archive("exit_code", state.exit_code);
    archive("oom_killed", state.oom_killed);
    archive("error", state.error);
    archive("started", state.started);
    archive("finished", state.finished);
    archive("restart_count", state.restart_count);
    archive("stopped_by_user", state.stopped_by_user);
    archive("remove_volumes", state.remove_volumes);
    archive("health", state.health);
}

template <class A>
void fields(A& archive, VolumeUse& use) {
    archive("name", use.name);
    archive("source", use.source);
    archive("target", use.target);
    archive("subpath", use.subpath);
    archive("read_only", use.read_only);
}

template <class A>
void fields(A& archive, ImageUse& use) {
    digest_field(archive, "image", use.image);
    archive("rootfs", use.rootfs);
    archive("name", use.name);
    archive("target", use.target);
    archive("subpath", use.subpath);
    archive("read_only", use.read_only);
}

template <class A>
void fields(A& archive, ContainerLink& link) {
    archive("container", link.container);
    archive("name", link.name);
    archive("alias", link.alias);
    archive("names", link.names);
    address_field(archive, "ip4", link.ip4);
    address_field(archive, "ip6", link.ip6);
}

template <class A>
void fields(A& archive, Container& container) {
    archive("id", container.id);
    archive("name", container.name);
    archive("created", container.created);
    archive("config", container.config);
    digest_field(archive, "image", container.image);
    archive("argv", container.argv);
    archive("env", container.env);
    archive("working_dir", container.working_dir);
    archive("user", container.user);
    archive("state", container.state);
    archive("endpoints", container.endpoints);
    archive("published", container.published);
    archive("volumes", container.volumes);
    archive("images", container.images);
    archive("links", container.links);
    archive("link_env", container.link_env);
    archive("log_path", container.log_path);
    archive("hostname_path", container.hostname_path);
    archive("hosts_path", container.hosts_path);
    archive("resolv_conf_path", container.resolv_conf_path);
}

template <class A>
void fields(A& archive, Volume& volume) {
    archive("name", volume.name);
    archive("mountpoint", volume.mountpoint);
    archive("driver", volume.driver);
    archive("created", volume.created);
    archive("labels", volume.labels);
    archive("options", volume.options);
    archive("anonymous", volume.anonymous);
}

namespace {

template <class T>
Json write_record(const T& value) {
    Writer writer;
    fields(writer, const_cast<T&>(value));  // the Writer only reads
    return writer.take();
}

template <class T>
Result<T> read_record(const Json& document) {
    Reader reader(document);
    T value;
    fields(reader, value);
    TRY(reader.result());
    return value;
}

}  // namespace

Json encode(const ContainerConfig& config) { return write_record(config); }
Json encode(const Container& container) { return write_record(container); }
Json encode(const Health& health) { return write_record(health); }
Result<Health> decode_health_state(const Json& document) { return read_record<Health>(document); }
Json encode(const Volume& volume) { return write_record(volume); }
Json encode(const NetworkRecord& network) { return write_record(network); }
Result<ContainerConfig> decode_config(const Json& document) { return read_record<ContainerConfig>(document); }
Result<Container> decode_container(const Json& document) { return read_record<Container>(document); }
Result<Volume> decode_volume(const Json& document) { return read_record<Volume>(document); }
Result<NetworkRecord> decode_network(const Json& document) { return read_record<NetworkRecord>(document); }

}  // namespace diatom::engine
