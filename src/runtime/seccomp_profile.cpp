// Docker's default seccomp profile as a table: what a container may call, by capability and architecture. The facts are
// those of github.com/moby/profiles (seccomp/default.json, 2026-06): deny with EPERM what is not listed; deny AF_ALG
// and AF_VSOCK sockets, new namespaces through clone, and clone3 (ENOSYS, so that callers fall back to clone, whose
// flags a filter can see).
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/strings.h"
#include "runtime/spec.h"

namespace diatom::runtime {
namespace {

// Allowed to everybody, whatever the arguments.
constexpr std::string_view kAllowed =
    "accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime "
    "clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
    "clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create "
    "epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
    "execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir "
    "fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork "
    "fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex "
    "futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 "
    "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid "
    "getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit "
    "get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 "
    "getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy "
    "io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill "
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen "
    "listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise "
    "map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 "
    "mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
    "mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall "
    "munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open "
    "pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv "
    "preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink "
    "readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat "
    "rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
    "sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 "
    "send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 "
    "setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid "
    "setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address "
    "setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 "
    "sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink "
    "symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun "
    "timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
    "timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat "
    "uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev";
constexpr std::string_view kAllowedSince48 =
    "process_vm_readv process_vm_writev ptrace";  // Linux 4.8 closed their hole

struct ByCapability {
    std::string_view capability, names;
};
constexpr std::array<ByCapability, 14> kByCapability = {{
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
     "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open "
     "quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
}};

#if defined(__x86_64__)
constexpr std::string_view kByArchitecture = "arch_prctl modify_ldt";
constexpr std::array<std::string_view, 3> kArchitectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
constexpr std::string_view kByArchitecture =
    "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";
constexpr std::array<std::string_view, 2> kArchitectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
#error "the default seccomp profile has no table for this architecture"
#endif

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET: none of them may be set.
constexpr std::uint64_t kCloneNamespaces = 0x7E020000;
// PER_LINUX, PER_LINUX32, UNAME26 of both, and the question for the present one.
constexpr std::array<std::uint64_t, 5> kPersonalities = {0x0, 0x0008, 0x20000, 0x20008, 0xffffffff};

SeccompRule allow(std::string_view names) {
    SeccompRule rule{.action = "SCMP_ACT_ALLOW"};
    for (const auto name : split_words(names)) rule.names.emplace_back(name);
    return rule;
}

SeccompRule allow_if(std::string_view name, std::uint64_t value, std::string_view op) {
    auto rule = allow(name);
    rule.args.push_back({.index = 0, .value = value, .op = std::string(op)});
    return rule;
}

void add_conditional(std::vector<SeccompRule>& rules) {
    rules.push_back(allow_if("socket", AF_ALG, "SCMP_CMP_LT"));
    rules.push_back(allow_if("socket", AF_ALG + 1, "SCMP_CMP_EQ"));
    rules.push_back(allow_if("socket", AF_VSOCK, "SCMP_CMP_GT"));
    static_assert(AF_VSOCK == AF_ALG + 2);
    for (const auto value : kPersonalities) rules.push_back(allow_if("personality", value, "SCMP_CMP_EQ"));
}

void add_without_sys_admin(std::vector<SeccompRule>& rules) {
    rules.push_back(allow_if("clone", kCloneNamespaces, "SCMP_CMP_MASKED_EQ"));
    rules.push_back({.names = {"clone3"}, .action = "SCMP_ACT_ERRNO", .errno_value = ENOSYS});
}

}  // namespace

Seccomp default_seccomp(const std::vector<std::string>& capabilities) {
    Seccomp seccomp{.default_action = "SCMP_ACT_ERRNO",
                    .default_errno = EPERM,
                    .architectures = {kArchitectures.begin(), kArchitectures.end()}};
    auto& rules = seccomp.rules;
    rules.push_back(allow(kAllowed));
    rules.push_back(allow(kAllowedSince48));
    rules.push_back(allow(kByArchitecture));
    add_conditional(rules);
    for (const auto& [capability, names] : kByCapability) {
        if (std::ranges::contains(capabilities, capability)) rules.push_back(allow(names));
    }
    if (!std::ranges::contains(capabilities, "CAP_SYS_ADMIN")) add_without_sys_admin(rules);
    return seccomp;
}

}  // namespace diatom::runtime
