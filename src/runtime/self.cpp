#include "runtime/self.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/fd.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
// Above the numbers that a spawned executor is given.
constexpr int kLowestNumber = 64;

bool is_read_only_by_nature() noexcept {
    struct statfs status{};
    if (::statfs(kSelf, &status) < 0) return false;
    return status.f_type == EROFS_SUPER_MAGIC_V1 || status.f_type == SQUASHFS_MAGIC;
}

Result<std::string> make_path() {
    if (is_read_only_by_nature()) return kSelf;
    const auto copy = TRY(sys::memory_file("diatom", TRY(sys::read_file(kSelf, std::size_t{1} << 30U)), true));
    static Fd held;  // for the life of the process
    held = Fd(::fcntl(copy.raw(), F_DUPFD_CLOEXEC, kLowestNumber));
    if (!held) return fail_errno(errno, "keep the sealed copy of this program");
    return std::format("/proc/self/fd/{}", held.raw());
}

}  // namespace

Result<std::string> executor_path() {
    static const Result<std::string> kPath = make_path();
    if (!kPath) return Failure(Error(kPath.error()).in("make a sealed copy of this program"));
    return *kPath;
}

}  // namespace diatom::runtime
