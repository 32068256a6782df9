// /init of the kernel's own boot test: says when user space began, whether the kernel has what a container host needs,
// and powers off. Its last line is "probe: ok" or "probe: failed". run.sh reads it from the serial console.

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>

namespace {

bool failed = false;

void missing(const char* what, const char* name) {
    std::printf("probe: missing %s: %s\n", what, name);
    failed = true;
}

void mount_at(const char* type, const char* target) {
    mkdir(target, 0755);
    if (mount(type, target, type, 0, nullptr) != 0 && errno != EBUSY) missing(std::strerror(errno), target);
}

std::string read_words(const char* path) {
    std::ifstream file(path);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    for (char& c : text)
        if (c == '\n' || c == '\t' || c == ',') c = ' ';
    return " " + text + " ";
}

void expect_words(const char* path, std::initializer_list<const char*> words) {
    const std::string text = read_words(path);
    for (const char* word : words)
        if (text.find(" " + std::string(word) + " ") == std::string::npos) missing(path, word);
}

void expect_paths(std::initializer_list<const char*> paths) {
    for (const char* path : paths)
        if (access(path, F_OK) != 0) missing("path", path);
}

void expect_no_paths(std::initializer_list<const char*> paths) {
    for (const char* path : paths) {
        if (access(path, F_OK) != 0) continue;
        std::printf("probe: should not exist: %s\n", path);
        failed = true;
    }
}

void expect_kernel_features() {
    expect_words("/proc/filesystems",
                 {"erofs", "ext4", "vfat", "iso9660", "udf", "squashfs", "overlay", "fuse", "virtiofs", "tmpfs",
                  "devtmpfs", "cgroup2", "bpf", "mqueue", "hugetlbfs", "pstore", "securityfs"});
    expect_words("/sys/fs/cgroup/cgroup.controllers",
                 {"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"});
    expect_words("/sys/kernel/security/lsm", {"lockdown", "capability", "landlock", "yama", "apparmor"});
    expect_words("/proc/sys/kernel/seccomp/actions_avail", {"kill_process", "user_notif", "errno"});
    expect_words("/proc/sys/net/ipv4/tcp_available_congestion_control", {"cubic", "bbr"});
    expect_words("/proc/sys/net/core/default_qdisc", {"fq_codel"});
    expect_words("/proc/sys/net/core/bpf_jit_enable", {"1"});
    // What cmdline asks of the drivers of virtual devices: to make none by themselves, to nobody's network namespace.
    expect_words("/proc/sys/net/core/fb_tunnels_only_for_init_net", {"1"});
    expect_no_paths({"/sys/class/net/bond0", "/sys/class/net/dummy0", "/sys/class/net/ifb0"});
    expect_paths({"/proc/self/ns/cgroup",
                  "/proc/self/ns/ipc",
                  "/proc/self/ns/mnt",
                  "/proc/self/ns/net",
                  "/proc/self/ns/pid",
                  "/proc/self/ns/time",
                  "/proc/self/ns/user",
                  "/proc/self/ns/uts",
                  "/proc/config.gz",
                  "/proc/pressure/memory",
                  "/proc/sys/net/bridge",
                  "/proc/sys/net/netfilter",
                  "/proc/net/ip_vs",
                  "/proc/net/ip_tables_names",
                  "/dev/fuse",
                  "/dev/loop-control",
                  "/dev/net/tun",
                  "/dev/mapper/control",
                  "/dev/vsock",
                  "/dev/watchdog",
                  "/dev/ptmx",
                  "/dev/zero"});
}

// Each key of sysctl.conf must exist and take its value, in the order of the file.
void apply_sysctls() {
    std::ifstream file("/sysctl.conf");
    if (!file) missing("file", "/sysctl.conf");
    for (std::string line; std::getline(file, line);) {
        const auto equals = line.find(" = ");
        if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
        std::string path = "/proc/sys/" + line.substr(0, equals);
        for (char& c : path)
            if (c == '.') c = '/';
        const std::string value = line.substr(equals + 3);
        std::ofstream key(path);
        key << value << std::flush;
        if (!key || read_words(path.c_str()) != " " + value + "  ") missing("sysctl", line.c_str());
    }
}

double seconds_since_boot() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void open_console() {
    const int fd = open("/dev/console", O_RDWR | O_CLOEXEC);
    for (int target : {0, 1, 2}) dup2(fd, target);
}

}  // namespace

int main() {
    const double started = seconds_since_boot();
    mount_at("devtmpfs", "/dev");
    open_console();
    std::printf("probe: user space began %.2f s after the kernel\n", started);
    mount_at("proc", "/proc");
    mount_at("sysfs", "/sys");
    mount_at("securityfs", "/sys/kernel/security");
    mount_at("cgroup2", "/sys/fs/cgroup");
    expect_kernel_features();
    apply_sysctls();
    std::printf("probe: %s\n", failed ? "failed" : "ok");
    std::fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    // Firecracker and a microvm without ACPI cannot power off; there a restart ends the machine.
    reboot(RB_AUTOBOOT);
    return 1;
}
