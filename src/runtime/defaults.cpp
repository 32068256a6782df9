// Docker's defaults (moby daemon/pkg/oci/defaults.go; runc's built-in devices) as a Spec.
#include <algorithm>
#include <array>

#include "runtime/host_devices.h"
#include "runtime/spec.h"

namespace diatom::runtime {
namespace {

struct Node {
    std::string_view path;
    int major, minor;
};
constexpr std::array<Node, 6> kNodes = {{{"/dev/null", 1, 3},
                                         {"/dev/zero", 1, 5},
                                         {"/dev/full", 1, 7},
                                         {"/dev/random", 1, 8},
                                         {"/dev/urandom", 1, 9},
                                         {"/dev/tty", 5, 0}}};

// Of the terminals: the console, the multiplexer and every pty slave.
constexpr std::array<std::pair<int, int>, 3> kTerminals = {{{5, 1}, {5, 2}, {136, -1}}};

void add_mounts(Spec& spec) {
    spec.mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
        {"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "noexec", "nodev"}},
        {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
        {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"}},
    };
}

}  // namespace

void add_default_devices(Spec& spec) {
    auto& rules = spec.resources.devices;
    if (rules.empty()) rules.push_back({.allow = false, .type = 'a', .access = "rwm"});
    // Making a node gives no access to the device.
    rules.push_back({.allow = true, .type = 'c', .access = "m"});
    rules.push_back({.allow = true, .type = 'b', .access = "m"});
    for (const auto& node : kNodes) {
        if (!std::ranges::contains(spec.devices, node.path, &Device::path)) {
            spec.devices.push_back(
                {.path = std::string(node.path), .type = 'c', .major = node.major, .minor = node.minor});
        }
        rules.push_back({.allow = true, .type = 'c', .major = node.major, .minor = node.minor});
    }
    for (const auto& [major, minor] : kTerminals) {
        rules.push_back({.allow = true, .type = 'c', .major = major, .minor = minor});
    }
}

const std::vector<std::string>& default_capabilities() {
    static const std::vector<std::string> kDefault = {
        "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
        "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL",    "CAP_AUDIT_WRITE"};
    return kDefault;
}

// In the order in which Docker lists them.
const std::vector<std::string>& default_masked_paths() {
    static const std::vector<std::string> kPaths = {
        "/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
        "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap"};
    return kPaths;
}

const std::vector<std::string>& default_readonly_paths() {
    static const std::vector<std::string> kPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                    "/proc/sysrq-trigger"};
    return kPaths;
}

Spec default_spec() {
    Spec spec;
    const auto& capabilities = default_capabilities();
    spec.process.capabilities = {.bounding = capabilities, .effective = capabilities, .permitted = capabilities};
    add_mounts(spec);
    add_default_devices(spec);
    spec.namespaces = {{NamespaceKind::mount}, {NamespaceKind::uts},     {NamespaceKind::ipc},
                       {NamespaceKind::pid},   {NamespaceKind::network}, {NamespaceKind::cgroup}};
    spec.masked_paths = default_masked_paths();
    spec.readonly_paths = default_readonly_paths();
    spec.seccomp = default_seccomp(capabilities);
    return spec;
}

void make_privileged(Spec& spec) {
    const auto& all = all_capabilities();
    spec.process.capabilities = {.bounding = all, .effective = all, .permitted = all};
    spec.resources.devices.clear();
    for (auto& device : host_devices_below("/dev")) {
        if (!std::ranges::contains(spec.devices, device.path, &Device::path)) spec.devices.push_back(std::move(device));
    }
    spec.seccomp.reset();
    spec.masked_paths.clear();
    spec.readonly_paths.clear();
    for (auto& mount : spec.mounts) {
        if (mount.type == "sysfs" || mount.type == "cgroup") std::erase(mount.options, "ro");
    }
}

}  // namespace diatom::runtime
