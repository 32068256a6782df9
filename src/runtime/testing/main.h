// What the main() of a test program needs that starts containers: the executor is the test program itself, and its root
// must be the root of a mount namespace, which a chroot (the build root) is not: there the kernel refuses user
// namespaces and pivot_root, and a process that joins a container would get the root outside of the chroot.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::runtime::testing {

// argv[0] of a process that only launches a container.
inline constexpr std::string_view kCallerName = "runtime-caller";

inline bool is_executor(char** argv) { return argv[0] != nullptr && std::string_view(argv[0]) == kExecutorName; }

// A mount namespace of our own whose root is our root. Needs root and a process with one thread.
inline Result<void> enter_own_root() {
    if (::unshare(CLONE_NEWNS) < 0) return fail_errno(errno, "make a mount namespace");
    if (!sys::is_mount_point("/")) {
        const auto tree = TRY(sys::clone_mount(FdRef(), "/", true));
        TRY(sys::attach_mount(tree, "/"));
        // Joining a mount namespace, even the present one, leads to its root, where the chroot can become the root.
        const auto self = TRY(sys::open_path("/proc/self/ns/mnt", O_RDONLY));
        if (::setns(self.raw(), CLONE_NEWNS) < 0) return fail_errno(errno, "enter the namespace's root");
        TRY(sys::set_propagation("/", MS_PRIVATE, true));
        if (::fchdir(tree.raw()) < 0) return fail_errno(errno, "enter the root");
        if (::syscall(SYS_pivot_root, ".", ".") < 0) return fail_errno(errno, "pivot_root");
        if (::umount2(".", MNT_DETACH) < 0 || ::chdir("/") < 0) return fail_errno(errno, "leave the old root");
    }
    return sys::set_propagation("/", MS_PRIVATE, true);
}

}  // namespace diatom::runtime::testing
