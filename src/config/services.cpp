#include "config/services.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "config/schedule.h"
#include "config/yaml.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::config {
namespace {

constexpr std::array<std::string_view, 31> kServiceKeys{"image",       "command",       "environment",
                                                        "volumes",     "tmpfs",         "devices",
                                                        "cap_add",     "cap_drop",      "labels",
                                                        "user",        "working_dir",   "hostname",
                                                        "ipc",         "pid",           "uts",
                                                        "privileged",  "read_only",     "network_mode",
                                                        "cgroup",      "tty",           "restart",
                                                        "depends_on",  "healthcheck",   "stop_grace_period",
                                                        "stop_signal", "oom_score_adj", "container_name",
                                                        "init",        "stdin_open",    "profiles",
                                                        "cpu_shares"};
constexpr std::array<std::string_view, 5> kHealthKeys{"test", "interval", "timeout", "start_period", "retries"};
constexpr std::array<std::string_view, 2> kDependencyKeys{"condition", "required"};
constexpr std::array<std::string_view, 4> kDocumentKeys{"services", "name", "version", "volumes"};
constexpr std::array<std::string_view, 6> kPropagations{"rshared", "rslave", "rprivate", "shared", "slave", "private"};

Result<RootKind> decode_root(const YamlView& node) {
    const auto image = TRY(node.text("image"));
    if (image == "diatom/system" || image.empty()) return RootKind::system_root;
    if (image == "diatom/host") return RootKind::host_root;
    return node.error(Kind::unsupported,
                      std::format("image \"{}\": a service that the engine starts by itself runs on diatom/system or "
                                  "diatom/host; `diatom service` runs others",
                                  image));
}

Result<ServiceRestart> decode_restart(const YamlView& node) {
    const auto text = TRY(node.text("restart"));
    if (text.empty() || text == "no" || text == "false") return ServiceRestart::no;
    if (text == "always") return ServiceRestart::always;
    if (text == "on-failure") return ServiceRestart::on_failure;
    if (text == "unless-stopped") return ServiceRestart::unless_stopped;
    return node.error(Kind::invalid, "restart must be no, always, on-failure or unless-stopped");
}

Result<Condition> decode_condition(const YamlView& node) {
    const auto text = TRY(node.text("condition"));
    if (text.empty() || text == "service_started") return Condition::started;
    if (text == "service_healthy") return Condition::healthy;
    if (text == "service_completed_successfully") return Condition::completed;
    return node.error(Kind::invalid,
                      "condition must be service_started, service_healthy or service_completed_successfully");
}

Result<std::vector<Dependency>> decode_dependencies(const YamlView& node) {
    std::vector<Dependency> list;
    if (node.is_list()) {
        auto found = TRY(node.texts("depends_on"));
        for (auto& name : found) list.push_back({std::move(name), Condition::started, true});
        return list;
    }
    auto found = TRY(node.members("depends_on"));
    for (const auto& [name, value] : found) {
        TRY(value.check_keys("depends_on", kDependencyKeys));
        const auto condition = TRY(decode_condition(value.member("condition")));
        Dependency dependency{name, condition, true};
        if (const auto required = value.member("required"); required.present()) {
            dependency.required = TRY(required.boolean("required"));
        }
        list.push_back(std::move(dependency));
    }
    return list;
}

// "SOURCE:TARGET[:ro|rw|PROPAGATION,…]"
Result<ServiceMount> decode_volume(const YamlView& node) {
    const auto text = TRY(node.text("volumes"));
    const auto parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3 || !parts[0].starts_with('/') || !parts[1].starts_with('/')) {
        return node.error(Kind::invalid, std::format("volume \"{}\" must be /SOURCE:/TARGET[:OPTIONS]", text));
    }
    ServiceMount mount{ServiceMount::Kind::bind, std::string(parts[0]), std::string(parts[1])};
    if (parts.size() == 2) return mount;
    for (const auto option : split(parts[2], ',')) {
        if (option == "ro") mount.read_only = true;
        else if (option == "rw") mount.read_only = false;
        else if (std::ranges::find(kPropagations, option) != kPropagations.end()) mount.propagation = option;
        else return node.error(Kind::invalid, std::format("volume \"{}\": unknown option \"{}\"", text, option));
    }
    return mount;
}

Result<std::vector<ServiceMount>> decode_mounts(const YamlView& service) {
    std::vector<ServiceMount> mounts;
    auto volumes = TRY(service.member("volumes").items("volumes"));
    for (const auto& item : volumes) mounts.push_back(TRY(decode_volume(item)));
    auto found = TRY(service.member("tmpfs").texts("tmpfs"));
    for (const auto& text : found) {
        const auto halves = cut(text, ':');
        ServiceMount mount{ServiceMount::Kind::tmpfs, {}, std::string(halves ? halves->first : text)};
        if (halves) mount.tmpfs_options = halves->second;
        if (!mount.target.starts_with('/')) {
            return service.member("tmpfs").error(Kind::invalid,
                                                 std::format("tmpfs \"{}\" must be /TARGET[:OPTIONS]", text));
        }
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

// ["CMD", ARG…], ["CMD-SHELL", LINE], or one line for the shell.
Result<std::vector<std::string>> decode_test(const YamlView& node) {
    auto words = TRY(node.texts("test"));
    if (node.is_scalar()) return std::vector<std::string>{"/bin/sh", "-c", words.at(0)};
    if (words.size() >= 2 && words[0] == "CMD") return std::vector<std::string>(words.begin() + 1, words.end());
    if (words.size() == 2 && words[0] == "CMD-SHELL") return std::vector<std::string>{"/bin/sh", "-c", words[1]};
    return node.error(Kind::invalid, "test must begin with CMD or CMD-SHELL");
}

Result<HealthCheck> decode_health(const YamlView& node) {
    TRY(node.check_keys("healthcheck", kHealthKeys));
    HealthCheck health;
    health.command = TRY(decode_test(node.member("test")));
    if (const auto v = node.member("interval"); v.present()) health.interval_ns = TRY(v.duration_ns("interval"));
    if (const auto v = node.member("timeout"); v.present()) health.timeout_ns = TRY(v.duration_ns("timeout"));
    if (const auto v = node.member("start_period"); v.present()) {
        health.start_period_ns = TRY(v.duration_ns("start_period"));
    }
    if (const auto v = node.member("retries"); v.present()) {
        const auto retries = TRY(v.integer("retries"));
        if (retries < 1 || retries > 1000) return v.error(Kind::invalid, "retries must be between 1 and 1000");
        health.retries = static_cast<unsigned>(retries);
    }
    return health;
}

// A namespace key that is "host" or absent.
Result<bool> decode_host(const YamlView& service, const std::string& key) {
    const auto node = service.member(key);
    const auto text = TRY(node.text(key));
    if (text.empty() || text == "private" || text == "none") return false;
    if (text == "host") return true;
    return node.error(Kind::invalid, std::format("{} must be host or absent in a system service", key));
}

Result<void> decode_isolation(const YamlView& node, SystemService& service) {
    service.cap_add = TRY(node.member("cap_add").texts("cap_add"));
    service.cap_drop = TRY(node.member("cap_drop").texts("cap_drop"));
    service.devices = TRY(node.member("devices").texts("devices"));
    service.privileged = TRY(node.member("privileged").boolean("privileged"));
    service.read_only = service.root == RootKind::system_root;
    if (const auto v = node.member("read_only"); v.present()) service.read_only = TRY(v.boolean("read_only"));
    service.host_network = TRY(decode_host(node, "network_mode"));
    service.host_pid = TRY(decode_host(node, "pid"));
    service.host_ipc = TRY(decode_host(node, "ipc"));
    service.host_uts = TRY(decode_host(node, "uts"));
    service.host_cgroup = TRY(decode_host(node, "cgroup"));
    if (const auto v = node.member("cpu_shares"); v.present()) {
        const auto shares = TRY(v.integer("cpu_shares"));
        if (shares < 2) return v.error(Kind::invalid, "cpu_shares must be at least 2");
        service.cpu_shares = static_cast<std::uint64_t>(shares);
    }
    if (const auto v = node.member("oom_score_adj"); v.present()) {
        service.oom_score_adj = static_cast<int>(TRY(v.integer("oom_score_adj")));
    }
    return {};
}

Result<void> apply_labels(SystemService& service, const YamlView& node) {
    const auto label = [&](const char* key) -> std::string {
        const auto it = service.labels.find(key);
        return it == service.labels.end() ? std::string() : it->second;
    };
    service.shutdown_signal = label("io.diatom.shutdown.signal");
    service.oneshot = label("io.rancher.os.detach") == "false";
    service.needs_path = label("io.diatom.needs.path");
    if (const auto schedule = label("cron.schedule"); !schedule.empty()) {
        if (const auto parsed = Schedule::parse(schedule); !parsed)
            return node.error(Kind::invalid, "cron.schedule: " + parsed.error().what());
        service.scheduled = true;
    }
    if (const auto scope = label("io.rancher.os.scope"); !scope.empty() && scope != "system") {
        return node.error(Kind::invalid, "io.rancher.os.scope must be system");
    }
    const auto after = label("io.rancher.os.after");
    for (const auto name : split(after, ',')) {
        // RancherOS ignores names that are not there.
        if (!trim(name).empty()) service.depends_on.push_back({std::string(trim(name)), Condition::started, false});
    }
    return {};
}

Result<SystemService> decode_service(const std::string& name, const YamlView& node) {
    TRY(node.check_keys(std::format("service {}", name), kServiceKeys));
    SystemService service;
    service.name = name;
    if (const auto v = node.member("container_name"); v.present()) service.name = TRY(v.text("container_name"));
    service.root = TRY(decode_root(node.member("image")));
    const auto command = node.member("command");
    if (!command.is_scalar()) service.command = TRY(command.texts("command"));
    if (service.command.empty() || !service.command[0].starts_with('/')) {
        return node.error(Kind::invalid,
                          std::format("service {}: command must be a list that begins with an absolute path", name));
    }
    auto found = TRY(node.member("environment").text_map("environment"));
    for (const auto& [key, value] : found) {
        service.environment.push_back(key + "=" + value);
    }
    service.mounts = TRY(decode_mounts(node));
    service.labels = TRY(node.member("labels").text_map("labels"));
    service.user = TRY(node.member("user").text("user"));
    service.working_dir = TRY(node.member("working_dir").text("working_dir"));
    service.hostname = TRY(node.member("hostname").text("hostname"));
    service.tty = TRY(node.member("tty").boolean("tty"));
    service.restart = TRY(decode_restart(node.member("restart")));
    service.depends_on = TRY(decode_dependencies(node.member("depends_on")));
    if (const auto v = node.member("healthcheck"); v.present()) service.health = TRY(decode_health(v));
    if (const auto v = node.member("stop_grace_period"); v.present()) {
        service.stop_grace_s = static_cast<int>(TRY(v.duration_ns("stop_grace_period")) / 1'000'000'000);
    }
    service.stop_signal = TRY(node.member("stop_signal").text("stop_signal"));
    TRY(decode_isolation(node, service));
    TRY(apply_labels(service, node));
    return service;
}

}  // namespace

bool is_own_root(std::string_view image) noexcept { return image == "diatom/system" || image == "diatom/host"; }

Result<std::vector<SystemService>> parse_services(std::string_view text, const std::string& file) {
    const auto root = TRY(parse_yaml(text, file));
    const YamlView document(root, file);
    TRY(document.check_keys("document", kDocumentKeys));
    std::vector<SystemService> services;
    auto found = TRY(document.member("services").members("services"));
    for (const auto& [name, node] : found) {
        services.push_back(TRY(decode_service(name, node)));
    }
    return services;
}

}  // namespace diatom::config
