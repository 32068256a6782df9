#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "runtime/rootfs.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

// The host's null device, checked to be it: were it anything else, masking would show that instead (CVE-2025-31133).
Result<Fd> open_null() {
    auto null = TRY(sys::open_path("/dev/null", O_PATH | O_NOFOLLOW));
    struct stat status{};
    if (::fstat(null.raw(), &status) < 0) return fail_errno(errno, "stat /dev/null");
    if (!S_ISCHR(status.st_mode) || status.st_rdev != ::makedev(1, 3)) {
        return fail(Kind::denied, "/dev/null of the host is not the null device: masked paths cannot be trusted");
    }
    return null;
}

// Nothing when there is no such path: kernels differ in what they offer.
Result<Fd> open_existing(FdRef root, const std::string& path) {
    auto target = sys::open_in_root(root, path, O_PATH);
    if (!target && (target.error().error_number() == ENOENT || target.error().error_number() == ENOTDIR)) return Fd();
    return target;
}

// One empty directory serves all masked directories: the first is the file system, the others are copies of its mount.
class EmptyDirectory {
public:
    Result<void> cover(FdRef target) {
        if (!first_) {
            constexpr std::uint64_t kAttributes =
                MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
            first_ = TRY(sys::make_mount("tmpfs", {{"mode", "755"}}, kAttributes));
            return sys::attach_mount(first_, target);
        }
        const auto copy = TRY(sys::clone_mount(first_, "", false));
        return sys::attach_mount(copy, target);
    }

private:
    Fd first_;
};

}  // namespace

Result<void> mask_paths(FdRef root, const std::vector<std::string>& paths) {
    if (paths.empty()) return {};
    const auto null = TRY(open_null());
    EmptyDirectory empty;
    for (const auto& path : paths) {
        const auto target = TRY(open_existing(root, path), "mask {}", path);
        if (!target) continue;
        struct stat status{};
        if (::fstat(target.raw(), &status) < 0) return fail_errno(errno, "mask {}", path);
        if (S_ISDIR(status.st_mode)) {
            TRY(empty.cover(target), "mask {}", path);
        } else {
            const auto copy = TRY(sys::clone_mount(null, "", false), "mask {}", path);
            TRY(sys::attach_mount(copy, target), "mask {}", path);
        }
    }
    return {};
}

Result<void> protect_paths(FdRef root, const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
        const auto target = TRY(open_existing(root, path), "make {} read-only", path);
        if (!target) continue;
        const auto copy = TRY(sys::clone_mount(target, "", true), "make {} read-only", path);
        TRY(sys::change_mount(copy, {.set = MOUNT_ATTR_RDONLY, .recursive = true}), "make {} read-only", path);
        TRY(sys::attach_mount(copy, target), "make {} read-only", path);
    }
    return {};
}

}  // namespace diatom::runtime
