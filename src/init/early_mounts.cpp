#include "init/early_mounts.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <array>
#include <cstdint>
#include <filesystem>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::init {
namespace {

enum class Need : std::uint8_t { required, optional };

struct EarlyMount {
    const char* type;
    const char* target;
    std::vector<sys::FsOption> options;
    std::uint64_t attributes;
    Need need = Need::required;
};

constexpr std::uint64_t kNoSuid = MOUNT_ATTR_NOSUID;
constexpr std::uint64_t kData = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t kStrict = kData | MOUNT_ATTR_NOEXEC;

// In order: a later target may lie on an earlier mount.
const std::vector<EarlyMount>& table() {
    static const std::vector<EarlyMount> kTable{
        {"proc", "/proc", {}, kStrict},
        {"sysfs", "/sys", {}, kStrict},
        {"devtmpfs", "/dev", {{"mode", "0755"}}, kNoSuid},
        {"devpts", "/dev/pts", {{"mode", "0620"}, {"gid", "5"}, {"ptmxmode", "0666"}}, kNoSuid | MOUNT_ATTR_NOEXEC},
        {"tmpfs", "/dev/shm", {{"mode", "1777"}}, kData},
        {"mqueue", "/dev/mqueue", {}, kStrict, Need::optional},
        {"tmpfs", "/run", {{"mode", "0755"}}, kData},
        {"tmpfs", "/tmp", {{"mode", "1777"}}, kData},
        {"tmpfs", "/etc", {{"mode", "0755"}}, kData},
        {"tmpfs", "/var", {{"mode", "0755"}}, kData},
        {"tmpfs", "/root", {{"mode", "0700"}}, kData, Need::optional},
        {"cgroup2", "/sys/fs/cgroup", {{"nsdelegate", ""}, {"memory_recursiveprot", ""}}, kStrict},
        {"securityfs", "/sys/kernel/security", {}, kStrict, Need::optional},
        {"efivarfs", "/sys/firmware/efi/efivars", {}, kStrict, Need::optional},
        {"bpf", "/sys/fs/bpf", {{"mode", "0700"}}, kStrict, Need::optional},
        {"pstore", "/sys/fs/pstore", {}, kStrict, Need::optional},
    };
    return kTable;
}

Result<void> make(const EarlyMount& mount) {
    if (sys::is_mount_point(mount.target)) return {};
    // Only what lies in /dev can be made: the root is read-only, and sysfs has its mount points or lacks the feature.
    if (std::string_view(mount.target).starts_with("/dev/")) TRY(sys::make_dirs(mount.target));
    if (!sys::exists(mount.target)) return fail(Kind::not_found, "no mount point {}", mount.target);
    return sys::mount_fs(mount.type, mount.target, mount.options, mount.attributes);
}

constexpr std::array<std::pair<const char*, const char*>, 4> kDevLinks{{
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
}};

constexpr std::array<const char*, 12> kDirectories{
    "/run/diatom",     "/run/diatom/log", "/run/lock",  "/run/udev", "/var/lib/diatom", "/var/lib/dhcpcd",
    "/var/lib/chrony", "/var/log",        "/var/cache", "/var/tmp",  "/var/empty",      "/etc/diatom"};
// The clock's socket, and the time servers that DHCP names: chronyd warns when others may look inside.
constexpr std::array<std::pair<const char*, mode_t>, 2> kPrivateDirectories{
    {{"/run/chrony", 0750}, {"/run/chrony/sources", 0750}}};

}  // namespace

std::vector<std::string> make_early_mounts() {
    std::vector<std::string> problems;
    for (const auto& mount : table()) {
        const auto made = make(mount);
        if (!made && mount.need == Need::required) problems.push_back(made.error().what());
    }
    // The engines give containers private and slave copies; what they mount on the machine must reach the user engine.
    if (auto shared = sys::set_propagation("/", MS_SHARED, true); !shared) problems.push_back(shared.error().what());
    std::error_code ignored;
    for (const auto& [target, link] : kDevLinks) std::filesystem::create_symlink(target, link, ignored);
    for (const auto* directory : kDirectories) {
        if (auto made = sys::make_dirs(directory); !made) problems.push_back(made.error().what());
    }
    for (const auto& [directory, mode] : kPrivateDirectories) {
        if (auto made = sys::make_dirs(directory, mode); !made) problems.push_back(made.error().what());
    }
    std::filesystem::create_symlink("/run", "/var/run", ignored);
    std::filesystem::create_symlink("/run/lock", "/var/lock", ignored);
    std::filesystem::permissions("/var/tmp", std::filesystem::perms(01777), ignored);
    return problems;
}

void open_standard_streams() {
    for (;;) {
        auto fd = sys::open_path("/dev/console", O_RDWR | O_NOCTTY);
        if (!fd) fd = sys::open_path("/dev/null", O_RDWR);
        if (!fd || fd->raw() > 2) return;
        std::ignore = fd->release();
    }
}

Result<void> fill_etc(const std::string& from, const std::string& to) {
    using Options = std::filesystem::copy_options;
    std::error_code error;
    std::filesystem::copy(from, to, Options::recursive | Options::copy_symlinks | Options::overwrite_existing, error);
    if (error) return fail_errno(error.value(), "fill {} from {}", to, from);
    return {};
}

Result<void> delegate_controllers(const std::string& cgroup_root) {
    const auto controllers = TRY(sys::read_file(cgroup_root + "/cgroup.controllers"));
    // One by one: a controller that cannot be enabled must not keep the others off.
    std::string refused;
    for (const auto name : split_words(controllers)) {
        if (!sys::write_control(cgroup_root + "/cgroup.subtree_control", "+" + std::string(name))) {
            refused += " " + std::string(name);
        }
    }
    if (!refused.empty()) return fail(Kind::io, "cgroup controllers that could not be enabled:{}", refused);
    return {};
}

}  // namespace diatom::init
