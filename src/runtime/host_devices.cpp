#include "runtime/host_devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>

#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr int kMaxDepth = 8;

bool is_device(const struct stat& status) { return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode); }

Device device_of(const std::string& path, const struct stat& status) {
    return {.path = path,
            .type = S_ISBLK(status.st_mode) ? 'b' : 'c',
            .major = major(status.st_rdev),
            .minor = minor(status.st_rdev),
            .mode = status.st_mode & 07777U,
            .uid = status.st_uid,
            .gid = status.st_gid};
}

void collect(const std::string& directory, std::vector<Device>& devices, int depth) {
    constexpr std::array<std::string_view, 7> kOwn = {"pts", "shm", "fd", "mqueue", "console", "ptmx", "hugepages"};
    const auto names = sys::list_dir(directory);
    if (!names || depth > kMaxDepth) return;
    for (const auto& name : *names) {
        const std::string path = std::format("{}/{}", directory, name);
        struct stat status{};
        if (std::ranges::contains(kOwn, name) || ::lstat(path.c_str(), &status) < 0) continue;
        if (S_ISDIR(status.st_mode)) collect(path, devices, depth + 1);
        if (is_device(status)) devices.push_back(device_of(path, status));
    }
}

}  // namespace

Result<Device> host_device(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) < 0) return fail_errno(errno, "{}", path);
    if (!is_device(status)) return fail(Kind::invalid, "{}: not a device node", path);
    return device_of(path, status);
}

std::vector<Device> host_devices_below(const std::string& directory) {
    std::vector<Device> devices;
    collect(directory, devices, 0);
    return devices;
}

}  // namespace diatom::runtime
