// System services: the containers that the machine itself runs, described in Compose files of the image
// (/usr/share/diatom/services/*.yml). Decoded strictly: an unknown key is an error that names file, line and the
// nearest known key. Thread side: any; values. Source: the Compose specification (services, depends_on, healthcheck,
// tmpfs, volumes short syntax); the labels io.rancher.os.detach|after|before|scope of RancherOS are honoured with the
// meaning they have there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::config {

// What the service sees as its root. A service names it as its image: `image: diatom/system` or `image: diatom/host`.
enum class RootKind : std::uint8_t {
    system_root,  // the image's own root file system, read-only, with mounts of its own
    host_root,    // a private copy of all the machine's mounts (the user engine)
};

enum class ServiceRestart : std::uint8_t { no, always, on_failure, unless_stopped };

// When a dependent service may start.
enum class Condition : std::uint8_t {
    started,    // service_started: its process runs
    healthy,    // service_healthy: its health check passed once
    completed,  // service_completed_successfully: it ended with exit code 0
};

struct Dependency {
    std::string service;
    Condition condition = Condition::started;
    bool required = true;  // false: a failure of it is no obstacle
};

struct ServiceMount {
    enum class Kind : std::uint8_t { bind, tmpfs };
    Kind kind = Kind::bind;
    std::string source;  // bind: a path of the machine
    std::string target;
    bool read_only = false;
    std::string propagation;    // bind: "", "rshared", "rslave", "rprivate", "shared", "slave", "private"
    std::string tmpfs_options;  // "size=64m,mode=1777"
};

struct HealthCheck {
    std::vector<std::string> command;  // argument vector; CMD-SHELL becomes /bin/sh -c
    std::int64_t interval_ns = 30'000'000'000;
    std::int64_t timeout_ns = 30'000'000'000;
    std::int64_t start_period_ns = 0;
    unsigned retries = 3;
};

struct SystemService {
    std::string name;  // also the container's name
    RootKind root = RootKind::system_root;
    std::vector<std::string> command;      // argument vector, never empty
    std::vector<std::string> environment;  // KEY=VALUE
    std::vector<ServiceMount> mounts;
    std::vector<std::string> devices;            // host paths
    std::vector<std::string> cap_add, cap_drop;  // "NET_ADMIN", "ALL"
    std::map<std::string, std::string> labels;
    std::string user, working_dir, hostname;
    bool privileged = false;
    bool read_only = true;  // the root; false only for host_root
    bool host_network = false, host_pid = false, host_ipc = false, host_uts = false, host_cgroup = false;
    bool tty = false;
    ServiceRestart restart = ServiceRestart::no;
    // It runs to its end and its dependents with Condition::completed wait for that: io.rancher.os.detach=false.
    bool oneshot = false;
    // It is made, and started by its timer: label cron.schedule (config/schedule.h).
    bool scheduled = false;
    std::optional<int> stop_grace_s, oom_score_adj;
    std::optional<std::uint64_t> cpu_shares;  // against the other services; the kernel's default is that of 2597
    // What stop sends; empty: SIGTERM. At machine shutdown stop_all sends shutdown_signal instead where it is set
    // (label io.diatom.shutdown.signal): the user engine leaves its containers running on SIGTERM and stops them on
    // SIGPWR.
    std::string stop_signal, shutdown_signal;
    std::vector<Dependency> depends_on;  // io.rancher.os.after and before are merged in
    std::optional<HealthCheck> health;
    // The service is there only where this path of the machine is when the engine starts (label io.diatom.needs.path).
    std::string needs_path;
};

// Decodes one Compose document; `file` names it in errors ("/usr/share/diatom/services/udev.yml:12: …").
Result<std::vector<SystemService>> parse_services(std::string_view text, const std::string& file);

// The services of the machine's configuration: NAME.yml each, and the names of those that do not run, one a line.
inline constexpr const char* kConfiguredServices = "/run/diatom/config/services";
inline constexpr const char* kDisabledServices = "disabled";
// Beside them, for `diatom service`: a Compose file for each service on an image of a registry, and what else is to be
// read: names, paths and URLs, one a line.
inline constexpr const char* kProjects = "projects";
inline constexpr const char* kIncluded = "included";
inline constexpr const char* kImageServices = "/usr/share/diatom/services";     // the machine's own
inline constexpr const char* kOptionalServices = "/usr/share/diatom/optional";  // those that can be enabled by name

inline constexpr const char* kPreload = "/var/lib/diatom/preload";         // service/preload.h
inline constexpr const char* kServicesState = "/var/lib/diatom/services";  // while there are containers of projects

// Services of images that take the place of the machine's own console and user engine.
inline constexpr const char* kImageConsole = "image-console";
inline constexpr const char* kImageEngine = "image-engine";
inline constexpr const char* kConsoleLabel = "io.rancher.os.console";
inline constexpr const char* kConsoleOptions = "/run/diatom/console/options";  // "autologin"

inline constexpr std::string_view kScheduleLabel = "cron.schedule";

// Whether an image is one of the machine's own roots.
bool is_own_root(std::string_view image) noexcept;

// The names that do not run.
std::vector<std::string> disabled_services(const std::string& directory);

// Adds them, and takes away those that are disabled; a directory that is not there says nothing. What is wrong with one
// is an answer, and costs no other.
std::vector<std::string> add_configured(std::vector<SystemService>& services, const std::string& directory);

// All *.yml of a directory, ordered by order_services. Two services of one name are a conflict.
Result<std::vector<SystemService>> load_services(const std::string& directory);

// Each service after those it depends on; otherwise in the given order. A dependency on a service that is not there
// (Kind::not_found, unless not required) and a cycle (Kind::invalid) are errors that name the services.
Result<std::vector<SystemService>> order_services(std::vector<SystemService> services);

}  // namespace diatom::config
