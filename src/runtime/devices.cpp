#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/rootfs.h"
#include "runtime/targets.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

struct Link {
    const char *name, *target;
};
constexpr std::array<Link, 6> kLinks = {{{"fd", "/proc/self/fd"},
                                         {"stdin", "/proc/self/fd/0"},
                                         {"stdout", "/proc/self/fd/1"},
                                         {"stderr", "/proc/self/fd/2"},
                                         {"core", "/proc/kcore"},
                                         {"ptmx", "pts/ptmx"}}};

Result<mode_t> type_of(const Device& device) {
    switch (device.type) {
        case 'c':
        case 'u': return S_IFCHR;
        case 'b': return S_IFBLK;
        case 'p': return S_IFIFO;
        default: return fail(Kind::invalid, "device {}: \"{}\" is no type of a device", device.path, device.type);
    }
}

Result<void> make_node(FdRef dir, const std::string& name, const Device& device) {
    const mode_t type = TRY(type_of(device));
    const dev_t number = ::makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    // The umask is 0 here, so the mode needs no second call.
    if (::mknodat(dir.raw(), name.c_str(), type | device.mode, number) < 0) {
        if (errno == EEXIST) return {};  // the image's own, in a root without a /dev of ours
        return fail_errno(errno, "make device {}", device.path);
    }
    if (device.uid == 0 && device.gid == 0) return {};
    if (::fchownat(dir.raw(), name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno(errno, "give device {} to {}:{}", device.path, device.uid, device.gid);
    }
    return {};
}

Result<void> bind_node(FdRef root, const Device& device) {
    const auto node = TRY(sys::clone_mount(FdRef(), device.path, false), "device {}", device.path);
    struct stat status{};
    if (::fstat(node.raw(), &status) < 0) return fail_errno(errno, "stat {}", device.path);
    const bool same =
        (status.st_mode & S_IFMT) == TRY(type_of(device)) &&
        status.st_rdev == ::makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    if (!same) {
        return fail(Kind::unsupported,
                    "device {}: the host has another device of that name, and a user namespace cannot "
                    "make one",
                    device.path);
    }
    const auto target = TRY(open_target(root, device.path, Shape::file), "device {}", device.path);
    TRY(sys::attach_mount(node, target), "device {}", device.path);
    return {};
}

}  // namespace

Result<void> make_devices(FdRef root, const std::vector<Device>& devices, bool bind_nodes) {
    Fd dir;
    std::string dir_path;
    for (const auto& device : devices) {
        if (bind_nodes) {
            TRY(bind_node(root, device));
            continue;
        }
        const auto [parent, name] = split_last(device.path);
        if (!dir || parent != dir_path) {
            dir = TRY(open_target(root, parent, Shape::directory), "device {}", device.path);
            dir_path = parent;
        }
        TRY(make_node(dir, name, device));
    }
    return {};
}

Result<void> make_device_links(FdRef root) {
    const auto dev = TRY(open_target(root, "/dev", Shape::directory));
    for (const auto& [name, target] : kLinks) {
        if (::symlinkat(target, dev.raw(), name) < 0 && errno != EEXIST) return fail_errno(errno, "link /dev/{}", name);
    }
    return {};
}

}  // namespace diatom::runtime
