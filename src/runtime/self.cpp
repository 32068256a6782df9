#include "runtime/self.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/fd.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::runtime {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
// Above the numbers that a spawned executor is given.
constexpr int kLowestNumber = 64;
// overlayfs without an upper layer asks for two lower ones; this one is there wherever containers can be started.
constexpr const char* kSecondLayer = "/dev";

Result<bool> is_this_program(FdRef dir, const std::string& name) {
    struct stat there{};
    if (::fstatat(dir.raw(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno(errno, "{}", name);
    const auto own = TRY(sys::stat_path(kSelf));
    return there.st_dev == own.st_dev && there.st_ino == own.st_ino;
}

// The program's file in an overlay of its folder.
Result<Fd> open_in_overlay() {
    const std::string path = TRY(sys::read_link(kSelf));
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return fail(Kind::not_found, "{} is no path", path);
    const std::string name = path.substr(slash + 1);
    const auto dir = TRY(sys::open_path(path.substr(0, slash + 1), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!TRY(is_this_program(dir, name))) return fail(Kind::not_found, "{} is another file by now", path);
    const std::string layers = std::format("/proc/self/fd/{}:{}", dir.raw(), kSecondLayer);
    const auto overlay = TRY(sys::make_mount("overlay", {{"lowerdir", layers}}, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
    return sys::open_at(overlay, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

Result<Fd> open_unwritable() {
    // Without CAP_SYS_ADMIN or overlayfs, and for a program whose file was removed.
    if (auto file = open_in_overlay()) return file;
    return sys::memory_copy("diatom", TRY(sys::open_path(kSelf, O_RDONLY | O_CLOEXEC)));
}

Result<std::string> make_path() {
    if (runs_unwritable()) return kSelf;
    const auto file = TRY(open_unwritable());
    static Fd held;  // for the life of the process
    held = Fd(::fcntl(file.raw(), F_DUPFD_CLOEXEC, kLowestNumber));
    if (!held) return fail_errno(errno, "keep the file of this program");
    return std::format("/proc/self/fd/{}", held.raw());
}

}  // namespace

bool runs_unwritable() noexcept {
    struct statfs status{};
    if (::statfs(kSelf, &status) < 0) return false;
    return status.f_type == EROFS_SUPER_MAGIC_V1 || status.f_type == SQUASHFS_MAGIC;
}

Result<std::string> executor_path() {
    static const Result<std::string> kPath = make_path();
    if (!kPath) return Failure(Error(kPath.error()).in("find a file of this program that cannot be written"));
    return *kPath;
}

}  // namespace diatom::runtime
