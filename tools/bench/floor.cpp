// What the kernel alone takes for a container: a clone into new namespaces, its mounts, one program, its end.
// The bench's floor under `runtime run`:  floor ROOTFS   (runs ROOTFS/bin/true)
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>

namespace {

int fail(const char* what) {
    std::perror(what);
    return 1;
}

int contained(const char* root) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return fail("private");
    if (::mount(root, root, nullptr, MS_BIND | MS_REC, nullptr) < 0) return fail("bind");
    if (::chdir(root) < 0) return fail("chdir");
    if (::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0) return fail("proc");
    if (::mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k") < 0) return fail("dev");
    if (::mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr) < 0) return fail("sys");
    if (::syscall(SYS_pivot_root, ".", ".") < 0) return fail("pivot_root");
    if (::umount2(".", MNT_DETACH) < 0) return fail("umount");
    if (::sethostname("floor", 5) < 0) return fail("sethostname");
    ::execl("/bin/true", "true", nullptr);
    return fail("/bin/true");
}

}  // namespace

int main(int count, char** values) {
    if (count != 2) return 2;
    clone_args arguments{};
    arguments.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
    arguments.exit_signal = SIGCHLD;
    const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child < 0) return fail("clone3");
    if (child == 0) return contained(values[1]);
    int status = 0;
    if (::waitpid(child, &status, 0) < 0) return fail("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
