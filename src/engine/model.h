// The engine's model: what a container, an exec, a volume, a network is. Values, free of any API's JSON; surfaces
// (Docker now, CRI later) translate to and from them. Thread side: any; times are wall nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/registry.h"
#include "image/store.h"
#include "net/network.h"
#include "runtime/spec.h"
#include "sys/process.h"

namespace diatom::engine {

enum class MountKind { bind, volume, tmpfs, image };
struct MountPoint {
    MountKind kind = MountKind::bind;
    std::string source;  // bind: host path; volume: its name, empty for an anonymous one; image: its name
    std::string target;
    bool read_only = false;
    bool no_copy = false;         // volume: do not copy the image's contents into an empty one
    bool create_source = false;   // bind by -v: a missing host directory is made
    bool top_only = false;        // bind: without what is mounted below the source
    bool writable_below = false;  // bind, read-only: what is mounted below stays as it is
    std::string propagation;      // "", rprivate, rslave, rshared, private, slave, shared
    std::string tmpfs_options;    // "size=64m,mode=1777"
    std::string subpath;          // volume, image: what of it is mounted
    std::map<std::string, std::string> labels, driver_options;  // of a volume that is not there yet
};

// What the host has by that name is looked up at each start: numbers of devices change from boot to boot.
struct DeviceMapping {
    std::string host;            // a device node or a directory of them; links are followed
    std::string inside;          // empty: as on the host
    std::string access = "rwm";  // of r (read), w (write), m (make the node)
};

// A limit of a disk, by the path of its node: the number is looked up at each start.
struct BlockLimit {
    std::string path;
    std::string key;  // "rbps", "wbps", "riops", "wiops" (io.max); "weight" (io.weight)
    std::uint64_t value = 0;
};

// Times in nanoseconds; 0: Docker's default.
struct HealthCheck {
    std::vector<std::string> test;   // "NONE" | "CMD", PROGRAM, … | "CMD-SHELL", TEXT; empty: the image's
    std::vector<std::string> shell;  // of CMD-SHELL; empty: /bin/sh -c
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    std::int64_t retries = 0;
};

enum class RestartPolicy { no, always, on_failure, unless_stopped };

enum class LogDriver { json_file, none, local };
std::string_view to_string(LogDriver driver);
struct LogOptions {
    LogDriver driver = LogDriver::json_file;
    std::uint64_t max_size = 10U << 20U;  // bytes; rotation is on by default
    unsigned max_files = 3;
    bool compress = false;                     // what is rotated out
    std::vector<std::string> labels, env;      // names of those that each entry carries
    std::string labels_regex, env_regex;       // and of more of them
    std::string tag;                           // template of one that each carries
    std::map<std::string, std::string> given;  // as the user wrote them
};

// What the user asked for of one network of a container.
struct EndpointConfig {
    std::string network;                   // its name
    std::vector<std::string> aliases;      // names beside the container's own
    std::vector<std::string> links;        // "CONTAINER:ALIAS": names for this container only
    net::Address ip4, ip6;                 // empty: any
    std::vector<net::Address> link_local;  // beside them
    std::string mac;                       // empty: derived
    int gateway_priority = 0;              // whose default route it uses: the highest, then the first by name
    std::map<std::string, std::string> options;
};

// What the user asked for. Image defaults (command, environment, …) are merged in by create().
struct ContainerConfig {
    std::string image;  // as written by the user
    std::string hostname, domainname, user, working_dir, stop_signal;
    std::optional<std::vector<std::string>> entrypoint, cmd;  // absent: the image's
    std::vector<std::string> env, exposed_ports, volumes;     // exposed "80/tcp"; anonymous volumes' targets
    std::map<std::string, std::string> labels;
    bool tty = false, open_stdin = false, stdin_once = false;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::optional<int> stop_timeout_s;
    std::optional<HealthCheck> health;
    std::string platform;  // what the image must be for; empty: anything

    // host side
    std::vector<MountPoint> mounts;
    std::vector<std::string> volumes_from;  // "CONTAINER[:ro|rw]"; create() adds what they mount to `mounts`
    std::string network_mode = "default";   // default|bridge|host|none|container:ID|NAME of a network
    std::vector<EndpointConfig> networks;   // the mode's first; empty: the mode's alone
    std::string mac;                        // for the mode's network
    std::vector<std::string> links;         // on the default bridge, "CONTAINER[:ALIAS]"
    std::vector<net::PortMapping> ports;
    bool publish_all = false;
    bool auto_remove = false;
    bool privileged = false;
    bool read_only_root = false;
    bool init = false;
    std::string pid_mode, ipc_mode, uts_mode, cgroupns_mode;  // "", "host", "container:ID", "private"
    std::vector<std::string> cap_add, cap_drop, group_add, dns, dns_search, dns_options, extra_hosts, security_opt;
    std::vector<DeviceMapping> devices;
    std::vector<runtime::Rlimit> ulimits;
    std::map<std::string, std::string> sysctls;
    runtime::Resources resources;
    std::vector<BlockLimit> block_limits;
    std::vector<runtime::DeviceRule> device_rules;                         // beside those of the devices
    std::string cgroup_parent;                                             // below the engine's own group
    std::optional<std::vector<std::string>> masked_paths, readonly_paths;  // absent: the default ones
    std::optional<int> oom_score_adj;
    std::uint64_t shm_size = 64U << 20U;
    std::uint64_t storage_size = 0;  // bytes of its own files at the most; 0: no limit
    RestartPolicy restart = RestartPolicy::no;
    unsigned restart_max = 0;  // on_failure: 0 means for ever
    LogOptions log;

    // System containers only: the machine's own root file system, or the host's mounts, in place of an image.
    bool system_root = false, host_root = false;
    Json raw_host_config;               // as the client wrote it, echoed by inspect
    std::vector<std::string> warnings;  // about what was discarded; for the answer to create, not kept
};

enum class Status { created, running, paused, restarting, removing, exited, dead };
std::string_view to_string(Status status);
bool is_active(Status status) noexcept;  // as Docker's State.Running

enum class HealthStatus { none, starting, healthy, unhealthy };
std::string_view to_string(HealthStatus status);
struct HealthResult {
    std::int64_t start = 0, end = 0;
    int exit_code = 0;   // -1: it did not start, or not end in time
    std::string output;  // at most kMaxHealthOutput bytes, and "..." when it was more
};
struct Health {
    HealthStatus status = HealthStatus::none;
    std::int64_t failing_streak = 0;
    std::vector<HealthResult> log;  // the last five, oldest first
    sys::ProcessId probe;           // the check that runs now
};

struct ContainerState {
    Status status = Status::created;
    sys::ProcessId process;  // while running
    int exit_code = 0;
    bool oom_killed = false;
    std::string error;
    std::int64_t started = 0, finished = 0;
    unsigned restart_count = 0;
    bool stopped_by_user = false;
    bool remove_volumes = false;  // while it is being removed: its anonymous volumes go with it
    Health health;
};

struct EndpointState {
    std::string network, network_id, endpoint_id, mac, interface;
    net::Address ip4, ip6, gateway4, gateway6;
    unsigned prefix4 = 0, prefix6 = 0;
    std::vector<std::string> aliases, names;  // names: all by which others on the network find it
    int gateway_priority = 0;
    std::vector<net::Address> link_local;
    bool routed4 = false, routed6 = false;       // ports are reached at its own address
    std::map<std::string, std::string> sysctls;  // of its interface, below /proc/sys/net
};

struct VolumeUse {
    std::string name, source, target, subpath;
    bool read_only = false;
};
struct ImageUse {
    image::Digest image;
    std::string rootfs;  // its own writable layer, in the store
    std::string name, target, subpath;
    bool read_only = false;
};

// One of the default bridge (legacy_links.h).
struct ContainerLink {
    std::string container;  // whom it leads to: its id
    std::string name, alias;
    std::vector<std::string> names;  // for /etc/hosts
    net::Address ip4, ip6;           // as last seen
};

struct Container {
    std::string id;    // 64 hex digits
    std::string name;  // without the slash
    std::int64_t created = 0;
    ContainerConfig config;
    image::Digest image;                 // empty for system roots
    std::vector<std::string> argv, env;  // merged with the image
    std::string working_dir, user;
    ContainerState state;
    std::vector<EndpointState> endpoints;
    std::vector<net::PortMapping> published;
    std::vector<VolumeUse> volumes;
    std::vector<ImageUse> images;  // mounted, beside its own
    std::vector<ContainerLink> links;
    std::vector<std::string> link_env;  // what they add to the environment
    std::string log_path, hostname_path, hosts_path, resolv_conf_path;
};

struct ExecConfig {
    std::vector<std::string> cmd, env;
    std::string user, working_dir;
    bool tty = false, privileged = false;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::string detach_keys;
    unsigned short rows = 0, columns = 0;
};
struct ExecState {
    std::string id, container;
    ExecConfig config;
    bool running = false;
    std::optional<int> exit_code;
    int pid = 0;
};

struct Volume {
    std::string name, mountpoint, driver = "local";
    std::int64_t created = 0;
    std::map<std::string, std::string> labels, options;
    bool anonymous = false;
};

struct NetworkRecord {
    std::string id, name, driver;  // "bridge", "host", "null", "macvlan", "ipvlan"
    std::int64_t created = 0;
    std::vector<net::Pool> pools;
    std::map<std::string, std::string> labels, options;
    std::map<std::string, std::string> ipam_options;
    bool internal = false, ipv4 = true, ipv6 = false, attachable = false;
    bool chosen4 = false, chosen6 = false;  // the user gave a subnet, so may give addresses
    std::string bridge;                     // name of the bridge, or of the card of macvlan and ipvlan
    bool config_only = false;               // no network, but what others are made with
    std::string config_from;                // name of the one that it was made with
};
// What `docker network create` may ask for is a record without id: see plan_network().
bool is_builtin(const NetworkRecord& network);

enum class ChangeKind : std::uint8_t { modified, added, deleted };
struct Change {
    ChangeKind kind = ChangeKind::modified;
    std::string path;  // "/etc/passwd"
    friend bool operator==(const Change&, const Change&) = default;
};

// What a container has used since it started. All zero, and no time, when it does not run.
struct Stats {
    std::int64_t time = 0;                                               // wall ns
    std::uint64_t cpu_ns = 0, cpu_user_ns = 0, cpu_system_ns = 0;        // of the container
    std::uint64_t machine_cpu_ns = 0;                                    // all processors, idle time included
    std::uint64_t periods = 0, throttled_periods = 0, throttled_ns = 0;  // by its CPU limit
    std::uint64_t memory = 0, memory_limit = 0, pids = 0;                // limit: at most what the machine has
    std::optional<std::uint64_t> pids_limit;
    std::map<std::string, std::uint64_t> memory_details;  // memory.stat
    struct Io {
        std::uint64_t major = 0, minor = 0, read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
    };
    std::vector<Io> io;
    struct Interface {
        std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
        std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
    };
    std::map<std::string, Interface> networks;  // but for lo
};

// What update() puts in place of what the container has.
struct Update {
    runtime::Resources resources;
    RestartPolicy restart = RestartPolicy::no;
    unsigned restart_max = 0;
    Json raw_host_config;
};

struct Event {
    std::int64_t time = 0;
    std::string type, action, id;  // "container" "start" ID
    std::map<std::string, std::string> attributes;
};

// "unix", scope and paths of one engine.
enum class Scope { system, user };
struct EngineOptions {
    Scope scope = Scope::user;
    std::string root;    // /var/lib/diatom/user
    std::string run;     // /run/diatom/user
    std::string cgroup;  // parent of its containers, "diatom/user"
    std::string table;   // nftables table; empty: no bridge network (the system engine)
    std::string bridge = "docker0";
    std::string init_program = "/usr/lib/diatom/docker-init";  // src/boot/container_init.cpp
    std::string system_services;                               // directory of built-in Compose files (system scope)
    std::string configured_services;                           // of the machine's configuration (system scope)
    std::vector<std::pair<std::string, std::string>> mirrors;
    std::vector<std::string> insecure_registries;
    std::map<std::string, image::Credentials> registry_credentials;  // by host
    std::string registry_certificates;                               // directory, as Docker's certs.d
    std::string http_proxy, https_proxy, no_proxy;
};

}  // namespace diatom::engine
