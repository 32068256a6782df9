#include "runtime/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/targets.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/socket.h"

namespace diatom::runtime {
namespace {

// Whatever the image has put at /dev/pts, only the kernel's own multiplexer will do (CVE-2025-52565).
Result<Fd> open_master(FdRef root) {
    auto master = sys::open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    if (!master) return Failure(std::move(master).error().in("a terminal needs a devpts at /dev/pts"));
    struct statfs system{};
    struct stat status{};
    if (::fstatfs(master->raw(), &system) < 0 || ::fstat(master->raw(), &status) < 0)
        return fail_errno(errno, "stat /dev/pts/ptmx");
    if (system.f_type != DEVPTS_SUPER_MAGIC || status.st_rdev != ::makedev(5, 2)) {
        return fail(Kind::denied, "/dev/pts/ptmx of the container is not the kernel's");
    }
    return master;
}

Result<Fd> open_slave(FdRef master) {
    int unlock = 0;
    if (::ioctl(master.raw(), TIOCSPTLCK, &unlock) < 0) return fail_errno(errno, "unlock the terminal");
    // By the master, not by a path (Linux 4.13).
    Fd slave(::ioctl(master.raw(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave) return fail_errno(errno, "open the terminal");
    return slave;
}

Result<void> bind_console(FdRef root, FdRef slave) {
    const auto target = TRY(open_target(root, "/dev/console", Shape::file));
    const auto mount = TRY(sys::clone_mount(slave, "", false));
    return sys::attach_mount(mount, target);
}

}  // namespace

Result<Fd> take_terminal(FdRef root, const Process& process, Console console) {
    auto master = TRY(open_master(root));
    const auto slave = TRY(open_slave(master));
    if (process.rows != 0 || process.columns != 0) TRY(sys::set_terminal_size(master, process.rows, process.columns));
    // The group stays the one that devpts gives (tty).
    if (::fchown(slave.raw(), process.user.uid, static_cast<gid_t>(-1)) < 0)
        return fail_errno(errno, "give the terminal to the user");
    if (console == Console::bind) TRY(bind_console(root, slave), "mount /dev/console");
    if (::ioctl(slave.raw(), TIOCSCTTY, 0) < 0) return fail_errno(errno, "take the controlling terminal");
    for (int number = 0; number < 3; ++number) {
        if (::dup3(slave.raw(), number, 0) < 0) return fail_errno(errno, "pass the terminal as descriptor {}", number);
    }
    return master;
}

Result<void> hand_over_stdio(const User& user) {
    if (user.uid == 0) return {};
    for (int number = 0; number < 3; ++number) {
        struct stat status{};
        if (::fstat(number, &status) < 0 || !S_ISFIFO(status.st_mode) || status.st_uid == user.uid) continue;
        // A user namespace may not own what lies outside: then the pipe works still, it just cannot be opened again.
        if (::fchown(number, user.uid, static_cast<gid_t>(-1)) < 0 && errno != EINVAL && errno != EPERM) {
            return fail_errno(errno, "give descriptor {} to the user", number);
        }
    }
    return {};
}

}  // namespace diatom::runtime
