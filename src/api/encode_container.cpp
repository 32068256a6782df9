#include "api/encode.h"
#include "base/strings.h"
#include "engine/endpoints.h"
#include "sys/clock.h"

namespace diatom::api {
namespace {

std::string_view restart_name(engine::RestartPolicy policy) {
    switch (policy) {
        case engine::RestartPolicy::no: return "no";
        case engine::RestartPolicy::always: return "always";
        case engine::RestartPolicy::on_failure: return "on-failure";
        case engine::RestartPolicy::unless_stopped: return "unless-stopped";
    }
    return "no";
}

Json encode_state(const engine::ContainerState& state) {
    using engine::Status;
    Json body{{"Status", to_string(state.status)},
              {"Running", engine::is_active(state.status)},
              {"Paused", state.status == Status::paused},
              {"Restarting", state.status == Status::restarting},
              {"OOMKilled", state.oom_killed},
              {"Dead", state.status == Status::dead},
              {"Pid", state.process.pid},
              {"ExitCode", state.exit_code},
              {"Error", state.error},
              {"StartedAt", encode_time(state.started)},
              {"FinishedAt", encode_time(state.finished)}};
    if (state.health.status != engine::HealthStatus::none) body["Health"] = encode_health(state.health);
    return body;
}

Json key_set(const std::vector<std::string>& keys) {
    if (keys.empty()) return nullptr;
    Json set = Json::object();
    for (const auto& key : keys) set[key.find('/') == std::string::npos ? key + "/tcp" : key] = Json::object();
    return set;
}

Json paths_set(const std::vector<std::string>& keys) {
    if (keys.empty()) return nullptr;
    Json set = Json::object();
    for (const auto& key : keys) set[key] = Json::object();
    return set;
}

Json optional_list(const std::optional<std::vector<std::string>>& list) { return list ? Json(*list) : Json(nullptr); }

Json encode_config(const engine::Container& container) {
    const auto& config = container.config;
    Json body{{"Hostname", config.hostname.empty() ? container.id.substr(0, 12) : config.hostname},
              {"Domainname", config.domainname},
              {"User", container.user},
              {"AttachStdin", config.attach_stdin},
              {"AttachStdout", config.attach_stdout},
              {"AttachStderr", config.attach_stderr},
              {"ExposedPorts", key_set(config.exposed_ports)},
              {"Tty", config.tty},
              {"OpenStdin", config.open_stdin},
              {"StdinOnce", config.stdin_once},
              {"Env", config.env},
              {"Cmd", optional_list(config.cmd)},
              {"Image", config.image},
              {"Volumes", paths_set(config.volumes)},
              {"WorkingDir", container.working_dir},
              {"Entrypoint", optional_list(config.entrypoint)},
              {"OnBuild", nullptr},
              {"StopSignal", config.stop_signal},
              {"Labels", config.labels}};
    if (config.health) body["Healthcheck"] = encode_health_check(*config.health);
    if (config.stop_timeout_s) body["StopTimeout"] = *config.stop_timeout_s;
    return body;
}

Json encode_mounts(const engine::Container& container) {
    Json mounts = Json::array();
    for (const auto& mount : container.config.mounts) {
        if (mount.kind != engine::MountKind::bind) continue;
        mounts.push_back({{"Type", "bind"},
                          {"Source", mount.source},
                          {"Destination", mount.target},
                          {"Mode", mount.read_only ? "ro" : ""},
                          {"RW", !mount.read_only},
                          {"Propagation", mount.propagation.empty() ? "rprivate" : mount.propagation}});
    }
    for (const auto& volume : container.volumes) {
        if (volume.name.empty()) continue;
        mounts.push_back({{"Type", "volume"},
                          {"Name", volume.name},
                          {"Source", volume.source},
                          {"Destination", volume.target},
                          {"Driver", "local"},
                          {"Mode", volume.read_only ? "ro" : "z"},
                          {"RW", !volume.read_only},
                          {"Propagation", ""}});
    }
    for (const auto& image : container.images) {
        mounts.push_back({{"Type", "image"},
                          {"Name", image.name},
                          {"Source", image.image.text()},
                          {"Destination", image.target},
                          {"Mode", ""},
                          {"RW", !image.read_only},
                          {"Propagation", ""}});
    }
    return mounts;
}

// "Up 3 minutes", as docker ps prints it: the units of Go's units.HumanDuration.
std::string human_duration(std::int64_t ns) {
    const auto seconds = ns / 1'000'000'000;
    const auto minutes = seconds / 60, hours = (seconds + 1800) / 3600;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return std::format("{} seconds", seconds);
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return std::format("{} minutes", minutes);
    if (hours == 1) return "About an hour";
    if (hours < 48) return std::format("{} hours", hours);
    if (hours < 24 * 7 * 2) return std::format("{} days", hours / 24);
    if (hours < 24 * 30 * 2) return std::format("{} weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2) return std::format("{} months", hours / 24 / 30);
    return std::format("{} years", hours / 24 / 365);
}

std::string status_text(const engine::ContainerState& state) {
    using engine::Status;
    const auto now = sys::wall_ns();
    switch (state.status) {
        case Status::created: return "Created";
        case Status::running: return "Up " + human_duration(now - state.started) + health_text(state.health);
        case Status::paused: return std::format("Up {} (Paused)", human_duration(now - state.started));
        case Status::restarting:
            return std::format("Restarting ({}) {} ago", state.exit_code, human_duration(now - state.finished));
        case Status::removing: return "Removal In Progress";
        case Status::dead: return "Dead";
        case Status::exited:
            return std::format("Exited ({}) {} ago", state.exit_code, human_duration(now - state.finished));
    }
    return {};
}

std::string joined_command(const std::vector<std::string>& argv) { return join(argv, " "); }

}  // namespace

std::string encode_time(std::int64_t wall_ns) {
    return wall_ns == 0 ? "0001-01-01T00:00:00Z" : sys::format_rfc3339(wall_ns);
}

Result<std::optional<std::int64_t>> time_param(const Request& request, const std::string& name) {
    return time_value(request.param(name), name);
}

Result<std::optional<std::int64_t>> time_value(const std::string& text, std::string_view name) {
    if (text.empty() || text == "0") return std::nullopt;
    const auto time = sys::parse_time_argument(text);
    if (!time) return fail(Kind::invalid, "\"{}\" is not a time: \"{}\"", name, text);
    return time;
}

namespace {

Json encode_links(const engine::Container& container) {
    Json links = Json::array();
    for (const auto& link : container.links)
        links.push_back(std::format("/{}:/{}/{}", link.name, container.name, link.alias));
    return links.empty() ? Json(nullptr) : links;
}

Json encode_log(const engine::LogOptions& log) {
    Json options(log.given);
    // Docker's json-file does not rotate unless it is told to: what holds here is said.
    if (log.driver == engine::LogDriver::json_file) {
        options.emplace("max-size", std::to_string(log.max_size));
        options.emplace("max-file", std::to_string(log.max_files));
    }
    return {{"Type", to_string(log.driver)}, {"Config", std::move(options)}};
}

}  // namespace

Json encode_host_config(const engine::Container& container) {
    const auto& config = container.config;
    Json host = config.raw_host_config.is_object() ? config.raw_host_config : Json::object();
    host["NetworkMode"] = config.network_mode;
    host["AutoRemove"] = config.auto_remove;
    host["Privileged"] = config.privileged;
    host["ReadonlyRootfs"] = config.read_only_root;
    host["ShmSize"] = config.shm_size;
    host["RestartPolicy"] = {{"Name", restart_name(config.restart)}, {"MaximumRetryCount", config.restart_max}};
    host["LogConfig"] = encode_log(config.log);
    if (!engine::is_user_defined(config.network_mode)) host["Links"] = encode_links(container);
    if (json_string(host, "Runtime").value_or("").empty()) host["Runtime"] = "diatom";
    add_host_defaults(host, config);
    static constexpr const char* kTexts[] = {"PidMode",    "IpcMode",    "UTSMode",   "CgroupnsMode",
                                             "UsernsMode", "CpusetCpus", "CpusetMems"};
    for (const auto* key : kTexts) host.emplace(key, "");
    for (const auto* key : {"IpcMode", "CgroupnsMode"}) {
        if (host[key] == "") host[key] = "private";
    }
    return host;
}

Json encode_container(const engine::Container& container, std::optional<engine::ContainerSize> size) {
    Json body{{"Id", container.id},
              {"Created", encode_time(container.created)},
              {"Path", container.argv.empty() ? "" : container.argv.front()},
              {"Args", container.argv.empty() ? std::vector<std::string>{}
                                              : std::vector(container.argv.begin() + 1, container.argv.end())},
              {"State", encode_state(container.state)},
              {"Image", container.image.text()},
              {"ResolvConfPath", container.resolv_conf_path},
              {"HostnamePath", container.hostname_path},
              {"HostsPath", container.hosts_path},
              {"LogPath", container.config.log.driver == engine::LogDriver::json_file ? container.log_path : ""},
              {"Name", "/" + container.name},
              {"RestartCount", container.state.restart_count},
              {"Driver", "overlay2"},
              {"Platform", "linux"},
              {"MountLabel", ""},
              {"ProcessLabel", ""},
              {"AppArmorProfile", ""},
              {"ExecIDs", nullptr},
              {"HostConfig", encode_host_config(container)},
              {"GraphDriver", {{"Name", "overlay2"}, {"Data", Json::object()}}},
              {"Mounts", encode_mounts(container)},
              {"Config", encode_config(container)},
              {"NetworkSettings", encode_network_settings(container)}};
    if (size) {
        body["SizeRw"] = size->own;
        body["SizeRootFs"] = size->whole;
    }
    return body;
}

void write_container_row(JsonText& out, const engine::Container& container, std::optional<engine::ContainerSize> size,
                         int version) {
    const auto& mode = container.config.network_mode;
    const Json& annotations = json_member(container.config.raw_host_config, "Annotations");
    out.begin_object();
    out.member("Id", container.id);
    out.key("Names");
    out.begin_array();
    out.value("/" + container.name);
    out.end_array();
    out.member("Image", container.config.image);
    out.member("ImageID", container.image.text());
    out.member("Command", joined_command(container.argv));
    out.member("Created", container.created / 1'000'000'000);
    out.member("Ports", encode_ports(container));
    out.member("Labels", container.config.labels);
    out.member("State", to_string(container.state.status));
    out.member("Status", status_text(container.state));
    out.key("HostConfig");
    out.begin_object();
    out.member("NetworkMode", mode == "default" ? "bridge" : mode);
    if (version >= 46 && !annotations.empty()) out.member("Annotations", annotations);
    out.end_object();
    out.key("NetworkSettings");
    out.begin_object();
    out.key("Networks");
    write_networks(out, container);
    out.end_object();
    out.member("Mounts", encode_mounts(container));
    if (size) {
        out.member("SizeRw", size->own);
        out.member("SizeRootFs", size->whole);
    }
    out.end_object();
}

}  // namespace diatom::api
