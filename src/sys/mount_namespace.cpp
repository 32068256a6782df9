// Mount namespaces of sys/mount.h: a private one for a thread, and visits to a process's.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::sys {
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/mnt";

Result<Fd> arrange_here(const std::function<Result<void>()>& arrange) {
    // The thread's own root and working directory come with the namespace (CLONE_FS).
    if (::unshare(CLONE_FS | CLONE_NEWNS) < 0) return fail_errno(errno, "make a mount namespace");
    TRY(set_propagation("/", MS_PRIVATE, true));
    Fd own = TRY(open_path(kOwnNamespace, O_RDONLY));  // before `arrange` may cover /proc
    TRY(arrange());
    return own;
}

}  // namespace

Result<Fd> in_private_mounts(const std::function<Result<void>()>& arrange) {
    Result<Fd> arranged = Fd();
    try {
        std::thread([&] { arranged = arrange_here(arrange); }).join();
    } catch (const std::system_error& e) {
        return fail(Kind::exhausted, "start a thread: {}", e.what());
    }
    return arranged;
}

Result<Fd> clone_mount_of(const ProcessId& process, const std::string& path) {
    const Fd home = TRY(open_path(kOwnNamespace, O_RDONLY));
    const Fd theirs = TRY(open_path(std::format("/proc/{}/ns/mnt", process.pid), O_RDONLY));
    // The pid may have passed on between the two; its start time has not.
    if (TRY(start_time(process.pid)) != process.start_time)
        return fail(Kind::not_found, "process {} has ended", process.pid);
    if (::setns(theirs.raw(), CLONE_NEWNS) < 0) return fail_errno(errno, "enter a mount namespace");
    auto copy = is_mount_point(path)
                    ? clone_mount(FdRef(), path, false)
                    : fail(Kind::not_found, "nothing is mounted on {} of process {}", path, process.pid);
    if (::setns(home.raw(), CLONE_NEWNS) < 0) return fail_errno(errno, "leave a mount namespace");
    return copy;
}

}  // namespace diatom::sys
