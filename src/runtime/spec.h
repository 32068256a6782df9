// What to run and in what isolation: the OCI runtime-spec 1.2 configuration as a value, as far as this version honours
// it. Decoding from config.json refuses by name what is not here. Thread side: any; values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace diatom::runtime {

struct User {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> additional_gids;
    std::optional<std::uint32_t> umask;
};

struct Rlimit {
    std::string type;  // "RLIMIT_NOFILE"
    std::uint64_t soft = 0, hard = 0;
};

struct Capabilities {
    std::vector<std::string> bounding, effective, inheritable, permitted, ambient;  // "CAP_CHOWN"
};

// ioprio_set(2): class 1 real-time, 2 best effort, 3 idle.
struct IoPriority {
    int io_class = 0, priority = 0;
};

// sched_setattr(2).
struct Scheduler {
    std::string policy;  // "SCHED_OTHER", …
    std::int32_t nice = 0, priority = 0;
    std::vector<std::string> flags;                       // "SCHED_FLAG_RESET_ON_FORK", …
    std::uint64_t runtime = 0, deadline = 0, period = 0;  // nanoseconds, of SCHED_DEADLINE
};

struct Process {
    bool terminal = false;
    unsigned short rows = 0, columns = 0;
    User user;
    std::vector<std::string> args, env;
    std::string cwd = "/";
    Capabilities capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::optional<int> oom_score_adj;
    std::string apparmor_profile;
    std::optional<IoPriority> io_priority;
    std::optional<Scheduler> scheduler;
    bool make_cwd = false;  // create a missing working directory, as Docker does
};

// Where the root file system comes from.
struct Root {
    enum class Source {
        directory,  // `path` as it is
        overlay,    // overlayfs of lower (top first) with upper and work, mounted in the container's namespace
        host,       // no root of its own: a private copy of the host's mounts (the user engine)
    };
    Source source = Source::directory;
    std::string path;  // directory: the root; overlay: where it is mounted ("merged")
    std::vector<std::string> lower;
    std::string upper, work;
    bool read_only = false;
};

struct IdMapping {
    std::uint32_t container = 0, host = 0, size = 0;
};

struct Mount {
    std::string destination, type, source;
    // Names of the runtime-spec: "ro", "rbind", "nosuid", "rprivate", "size=64m", "mode=1777", …
    std::vector<std::string> options;
    // Of an idmapped mount, whose files' owners are shown through them; empty with "idmap": the container's own.
    std::vector<IdMapping> uid_mappings, gid_mappings;
};

struct Device {
    std::string path;
    char type = 'c';
    std::int64_t major = 0, minor = 0;
    std::uint32_t mode = 0666, uid = 0, gid = 0;
};

struct DeviceRule {
    bool allow = false;
    char type = 'a';
    std::int64_t major = -1, minor = -1;  // -1: any
    std::string access = "rwm";
};

enum class NamespaceKind { mount, uts, ipc, pid, network, user, cgroup, time };
struct Namespace {
    NamespaceKind kind = NamespaceKind::mount;
    std::string path;  // empty: a new one; else joined, "/proc/PID/ns/net"
};

// A new time namespace's clock, this much ahead of the host's.
struct TimeOffset {
    std::string clock;  // "monotonic" or "boottime"
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

// CPU shares, 2 to 262144 (default 1024), as a cgroup v2 weight, 1 to 10000: the map of the runtime-spec's cgroup v2
// conversion, which systemd, runc and crun share.
std::uint64_t cpu_weight_of_shares(std::uint64_t shares);

struct HugepageLimit {
    std::string page_size;    // "2MB"
    std::uint64_t limit = 0;  // bytes
};
// One line for a device: "8:0 rbps=1048576" in io.max, "8:0 200" in io.weight.
struct BlockLimit {
    std::int64_t major = 0, minor = 0;
    std::string key;  // "rbps", "wbps", "riops", "wiops", "weight"
    std::uint64_t value = 0;
};
struct RdmaLimit {
    std::string device;
    std::optional<std::uint32_t> handles, objects;
};

// Cgroup v2 values; absent means the kernel's default.
struct Resources {
    std::optional<std::int64_t> memory_max, memory_low, memory_high, swap_max, pids_max;  // bytes, -1: no limit
    std::optional<std::uint64_t> cpu_weight, cpu_quota_us, cpu_period_us, cpu_burst_us;
    std::optional<std::int64_t> cpu_idle;
    bool check_memory = false;               // a limit below what is used already is refused
    std::optional<std::uint64_t> io_weight;  // 1 to 1000, as the runtime-spec has it
    std::vector<BlockLimit> io_limits;
    std::vector<HugepageLimit> hugepages;
    std::vector<RdmaLimit> rdma;
    std::string cpus, mems;                      // cpuset
    std::map<std::string, std::string> unified;  // file -> value
    std::vector<DeviceRule> devices;             // enforced by a BPF program; empty: everything is allowed
};

struct SeccompArg {
    unsigned index = 0;
    std::uint64_t value = 0, value_two = 0;
    std::string op;  // SCMP_CMP_EQ, …
    friend bool operator==(const SeccompArg&, const SeccompArg&) = default;
};
struct SeccompRule {
    std::vector<std::string> names;
    std::string action;  // SCMP_ACT_ALLOW, …
    std::optional<unsigned> errno_value;
    std::vector<SeccompArg> args;
    friend bool operator==(const SeccompRule&, const SeccompRule&) = default;
};
struct Seccomp {
    std::string default_action;
    std::optional<unsigned> default_errno;
    std::vector<std::string> architectures, flags;
    std::vector<SeccompRule> rules;
    std::string listener_path, listener_metadata;  // who is asked about SCMP_ACT_NOTIFY: a listening Unix socket
    friend bool operator==(const Seccomp&, const Seccomp&) = default;
};

// A program of the host's or the container's that is run at a point of the life cycle, the state on standard input.
struct Hook {
    std::string path;  // absolute
    std::vector<std::string> args, env;
    std::optional<std::uint32_t> timeout;  // seconds
};
struct Hooks {
    // Run by launch() itself: the first two as the caller, create_container in the container's namespaces, all before
    // the root is changed.
    std::vector<Hook> prestart, create_runtime, create_container;
    std::vector<Hook> start_container;      // by the container's init, between start() and the program
    std::vector<Hook> poststart, poststop;  // by the caller of this library: run_hooks() in hooks.h
};

struct Spec {
    std::string id;
    std::string bundle;  // directory of its config.json, for the state; "": none
    std::map<std::string, std::string> annotations;
    Hooks hooks;
    Process process;
    Root root;
    std::string hostname, domainname;
    std::vector<Mount> mounts;
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings, gid_mappings;
    std::vector<Device> devices;
    std::string cgroup;  // path below the mount, "" : the caller's (tests on hosts without cgroup v2)
    Resources resources;
    std::optional<Seccomp> seccomp;
    std::vector<std::string> masked_paths, readonly_paths;
    std::map<std::string, std::string> sysctl;
    std::string rootfs_propagation;  // "", "rslave", "rshared", …
    std::vector<TimeOffset> time_offsets;
    std::string personality;  // "", "LINUX" or "LINUX32"
};

// What becomes of fields that nobody knows. The runtime-spec wants them ignored in a config.json ("Extensibility"); in
// what we wrote ourselves they are mistakes. Fields that are known and not honoured are refused always.
enum class UnknownFields : std::uint8_t { refuse, ignore };

Json encode(const Spec& spec);
Result<Spec> decode_spec(const Json& document, UnknownFields unknown = UnknownFields::refuse);
Json encode(const Process& process);
Result<Process> decode_process(const Json& document, UnknownFields unknown = UnknownFields::refuse);
// The value of linux.resources (`update`).
Result<Resources> decode_resources(const Json& document, UnknownFields unknown = UnknownFields::refuse);

// Docker's defaults: the 14 capabilities, masked and read-only paths, /proc /dev /dev/pts /dev/shm /dev/mqueue /sys
// /sys/fs/cgroup mounts, devices and their rules, and the default seccomp profile (by capabilities and architecture).
Spec default_spec();
// The devices among them that the runtime-spec promises to every container and that this one does not have yet, and the
// right to use them. Rules of its own stay; without any, nothing else is allowed.
void add_default_devices(Spec& spec);
const std::vector<std::string>& default_capabilities();
const std::vector<std::string>& default_masked_paths();
const std::vector<std::string>& default_readonly_paths();
const std::vector<std::string>& all_capabilities();
Seccomp default_seccomp(const std::vector<std::string>& capabilities);
void make_privileged(Spec& spec);  // all capabilities, all devices, no seccomp, nothing masked, /sys writable

}  // namespace diatom::runtime
