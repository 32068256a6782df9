#include "engine/merge.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "engine/health.h"
#include "engine/seccomp_file.h"
#include "engine/spec_security.h"

namespace diatom::engine {
namespace {

std::string_view key_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

void add_missing(std::vector<std::string>& list, const std::vector<std::string>& more) {
    for (const auto& item : more) {
        if (!std::ranges::contains(list, item)) list.push_back(item);
    }
}

// What the user has named, as it was written, then what comes from the image.
void add_inherited(std::vector<std::string>& env, const std::vector<std::string>& image) {
    const std::vector<std::string> own = env;
    for (const auto& entry : image) {
        if (!std::ranges::contains(own, key_of(entry), key_of)) env.push_back(entry);
    }
}

Result<void> check_target(const std::string& target) {
    if (!target.starts_with('/')) {
        return fail(Kind::invalid, "invalid mount config: invalid mount path: '{}' mount path must be absolute",
                    target);
    }
    if (target.find_first_not_of('/') == std::string::npos)
        return fail(Kind::invalid, "invalid mount config: destination can't be '/'");
    return {};
}

Result<void> check_subpath(const MountPoint& mount) {
    if (mount.subpath.starts_with('/'))
        return fail(Kind::invalid, "invalid mount config: subpath must be a relative path within the volume: \"{}\"",
                    mount.subpath);
    for (const auto part : split(mount.subpath, '/')) {
        if (part == "..")
            return fail(Kind::invalid,
                        "invalid mount config: subpath must be a relative path within the volume: \"{}\"",
                        mount.subpath);
    }
    return {};
}

Result<void> check_mounts(const ContainerConfig& config) {
    std::vector<std::string> targets;
    for (const auto& mount : config.mounts) {
        TRY(check_target(mount.target));
        if (std::ranges::contains(targets, mount.target)) {
            return fail(Kind::invalid, "Duplicate mount point: {}", mount.target);
        }
        targets.push_back(mount.target);
        TRY(check_subpath(mount));
        if (mount.kind == MountKind::bind && !mount.source.starts_with('/')) {
            return fail(Kind::invalid,
                        "invalid mount config for type \"bind\": invalid mount path: '{}' mount path must be absolute",
                        mount.source);
        }
    }
    for (const auto& target : config.volumes) TRY(check_target(target));
    return {};
}

// What belongs to the network namespace is for its owner to say.
Result<void> check_shared_network(const ContainerConfig& config) {
    if (!config.network_mode.starts_with("container:")) return {};
    const std::pair<bool, std::string_view> conflicts[] = {
        {!config.hostname.empty(), "hostname and the network mode"},
        {!config.dns.empty(), "dns and the network mode"},
        {!config.extra_hosts.empty(), "custom host-to-IP mapping and the network mode"},
        {!config.ports.empty() || config.publish_all, "port publishing and the container type network mode"},
        {!config.exposed_ports.empty(), "port exposing and the container type network mode"},
    };
    for (const auto& [given, what] : conflicts) {
        if (given) return fail(Kind::invalid, "conflicting options: {}", what);
    }
    return {};
}

Result<void> check_modes(const ContainerConfig& config) {
    const auto known = [](const std::string& mode, std::initializer_list<std::string_view> names) {
        return mode.empty() || mode.starts_with("container:") || std::ranges::contains(names, std::string_view(mode));
    };
    if (!known(config.pid_mode, {"host", "private"}))
        return fail(Kind::invalid, "invalid PID mode: {}", config.pid_mode);
    if (!known(config.ipc_mode, {"host", "private", "shareable", "none"})) {
        return fail(Kind::invalid, "invalid IPC mode: {}", config.ipc_mode);
    }
    if (!config.uts_mode.empty() && config.uts_mode != "host")
        return fail(Kind::invalid, "invalid UTS mode: {}", config.uts_mode);
    if (!config.cgroupns_mode.empty() && config.cgroupns_mode != "host" && config.cgroupns_mode != "private") {
        return fail(Kind::invalid, "invalid cgroup namespace mode: {}", config.cgroupns_mode);
    }
    if (!config.hostname.empty() && config.uts_mode == "host")
        return fail(Kind::invalid, "conflicting options: hostname and the UTS mode");
    return check_shared_network(config);
}

// A profile that cannot be read fails the creation, not each start.
Result<void> check_security(const ContainerConfig& config) {
    const auto security = TRY(parse_security(config.security_opt));
    if (security.seccomp.empty()) return {};
    TRY(decode_seccomp_file(security.seccomp, SeccompTarget::host({})));
    return {};
}

}  // namespace

std::vector<std::string> merge_env(std::vector<std::string> base, const std::vector<std::string>& over) {
    for (const auto& entry : over) {
        const auto key = key_of(entry);
        const bool has_value = entry.contains('=');
        const auto found = std::ranges::find_if(base, [&](const auto& e) { return key_of(e) == key; });
        if (found == base.end()) {
            if (has_value) base.push_back(entry);
        } else if (has_value) {
            *found = entry;
        } else {
            base.erase(found);
        }
    }
    return base;
}

Result<void> merge_image(Container& container, const image::ImageConfig& image) {
    ContainerConfig& config = container.config;
    const bool own_entrypoint = config.entrypoint.has_value();
    if (!config.entrypoint) config.entrypoint = image.entrypoint;
    // [""] is how clients say: none at all.
    if (config.entrypoint->size() == 1 && config.entrypoint->front().empty()) config.entrypoint->clear();
    if (!config.cmd || (config.cmd->empty() && !own_entrypoint)) {
        config.cmd = own_entrypoint ? std::vector<std::string>() : image.cmd;
    }
    container.argv = *config.entrypoint;
    container.argv.insert(container.argv.end(), config.cmd->begin(), config.cmd->end());
    if (container.argv.empty()) return fail(Kind::invalid, "no command specified");

    container.env = merge_env(image.env, config.env);
    add_inherited(config.env, image.env);
    if (config.working_dir.empty()) config.working_dir = image.working_dir;
    container.working_dir = config.working_dir.empty() ? "/" : config.working_dir;
    if (!container.working_dir.starts_with('/')) {
        return fail(Kind::invalid, "the working directory '{}' is invalid, it needs to be an absolute path",
                    container.working_dir);
    }
    for (auto* path : {&config.working_dir, &container.working_dir}) {
        while (path->size() > 1 && path->ends_with('/')) path->pop_back();
    }
    if (config.user.empty()) config.user = image.user;
    container.user = config.user;
    if (config.stop_signal.empty()) config.stop_signal = image.stop_signal;
    TRY(merge_health_check(config.health, image.healthcheck, image.shell));
    auto labels = image.labels;
    for (const auto& [key, value] : config.labels) labels[key] = value;
    config.labels = std::move(labels);
    add_missing(config.exposed_ports, image.exposed_ports);
    add_missing(config.volumes, image.volumes);
    return {};
}

Result<void> validate(const ContainerConfig& config) {
    TRY(check_mounts(config));
    TRY(check_modes(config));
    TRY(check_security(config));
    if (!config.stop_signal.empty() && !sys::parse_signal(config.stop_signal)) {
        return fail(Kind::invalid, "Invalid signal: {}", config.stop_signal);
    }
    if (config.auto_remove && config.restart != RestartPolicy::no) {
        return fail(Kind::invalid, "can't create 'AutoRemove' container with restart policy");
    }
    if (config.restart_max != 0 && config.restart != RestartPolicy::on_failure) {
        return fail(Kind::invalid, "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    }
    constexpr std::int64_t kLeastMemory = 6 << 20;
    const auto memory = config.resources.memory_max.value_or(-1);  // -1: no limit
    if (memory != -1 && memory < kLeastMemory) {
        return fail(Kind::invalid, "Minimum memory limit allowed is 6MB");
    }
    return {};
}

}  // namespace diatom::engine
