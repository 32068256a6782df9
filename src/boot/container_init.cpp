// /sbin/docker-init of a container that was started with --init: PID 1 that starts one program, hands signals on to it,
// reaps whatever else ends, and ends as the program ended.
//
//   docker-init [--] PROGRAM [ARGUMENTS]     exit code: the program's; 128 + signal; 126, 127: it could not be executed
//
// Freestanding: no library, no allocation, raw system calls; it costs a container some pages of memory. Its exit takes
// the rest of the container's processes with it: that is what the kernel does when PID 1 of a namespace ends.
#include <stddef.h>
#include <stdint.h>

namespace {

#if defined(__x86_64__)
enum Number : long {
    sys_write = 1,
    sys_rt_sigprocmask = 14,
    sys_ioctl = 16,
    sys_getpid = 39,
    sys_clone = 56,
    sys_execve = 59,
    sys_exit = 60,
    sys_wait4 = 61,
    sys_kill = 62,
    sys_setpgid = 109,
    sys_rt_sigtimedwait = 128,
};

long call(Number number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) noexcept {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(static_cast<long>(number)), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call init_main\n hlt\n");
#elif defined(__aarch64__)
enum Number : long {
    sys_ioctl = 29,
    sys_write = 64,
    sys_exit = 93,
    sys_kill = 129,
    sys_rt_sigprocmask = 135,
    sys_rt_sigtimedwait = 137,
    sys_setpgid = 154,
    sys_getpid = 172,
    sys_clone = 220,
    sys_execve = 221,
    sys_wait4 = 260,
};

long call(Number number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) noexcept {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

__asm__(".globl _start\n_start:\n mov x29, xzr\n mov x0, sp\n bl init_main\n brk 0\n");
#else
#error "no system call numbers for this architecture: add them above"
#endif

constexpr long kNoEntry = -2, kNotDirectory = -20;
constexpr long kNoHang = 1, kSetMask = 2;
constexpr long kSetForeground = 0x5410;  // TIOCSPGRP
constexpr int kSegv = 11, kAbort = 6, kTrap = 5, kFpe = 8, kIll = 4, kBus = 7, kSys = 31, kChild = 17;
constexpr int kTerminalIn = 21, kTerminalOut = 22;
constexpr long kSignalSetSize = 8;
constexpr int kCannotExecute = 126, kNotFound = 127;
constexpr size_t kMaxPath = 4096;

long arg(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }
uint64_t bit(int signal) noexcept { return uint64_t{1} << (signal - 1); }

size_t length(const char* text) noexcept {
    size_t size = 0;
    while (text[size] != 0) ++size;
    return size;
}

bool equal(const char* a, const char* b) noexcept {
    while (*a != 0 && *a == *b) ++a, ++b;
    return *a == *b;
}

void print(const char* text) noexcept { call(sys_write, 2, arg(text), static_cast<long>(length(text))); }

[[noreturn]] void leave(int code) noexcept {
    for (;;) call(sys_exit, code);
}

[[noreturn]] void cannot(const char* program, long error) noexcept {
    const bool missing = error == kNoEntry || error == kNotDirectory;
    print("docker-init: exec ");
    print(program);
    print(missing ? ": no such file\n" : ": cannot be executed\n");
    leave(missing ? kNotFound : kCannotExecute);
}

const char* search_path(char** env) noexcept {
    constexpr char kName[] = "PATH=";
    for (; *env != nullptr; ++env) {
        size_t i = 0;
        while (i < sizeof(kName) - 1 && (*env)[i] == kName[i]) ++i;
        if (i == sizeof(kName) - 1) return *env + i;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

// As execvp(3): a name without a slash is looked for along PATH; what is there and may not be executed is told last.
[[noreturn]] void execute(char** argv, char** env) noexcept {
    const char* name = argv[0];
    for (const char* c = name; *c != 0; ++c) {
        if (*c == '/') cannot(name, call(sys_execve, arg(name), arg(argv), arg(env)));
    }
    static char path[kMaxPath];
    long error = kNoEntry;
    const size_t name_size = length(name) + 1;
    for (const char* from = search_path(env);;) {
        size_t size = 0;
        while (from[size] != 0 && from[size] != ':') ++size;
        if (size + 1 + name_size <= kMaxPath) {
            size_t at = 0;
            for (; at < size; ++at) path[at] = from[at];
            if (size > 0) path[at++] = '/';
            for (size_t i = 0; i < name_size; ++i) path[at + i] = name[i];
            const long result = call(sys_execve, arg(path), arg(argv), arg(env));
            if (result != kNoEntry && result != kNotDirectory) error = result;
        }
        if (from[size] == 0) break;
        from += size + 1;
    }
    cannot(name, error);
}

// A process group of its own in the terminal's foreground: what is typed there reaches the program, and only once.
[[noreturn]] void become(char** argv, char** env, uint64_t mask) noexcept {
    call(sys_setpgid, 0, 0);
    int group = static_cast<int>(call(sys_getpid));
    call(sys_ioctl, 0, kSetForeground, arg(&group));  // without a terminal: nothing
    call(sys_rt_sigprocmask, kSetMask, arg(&mask), 0, kSignalSetSize);
    execute(argv, env);
}

// Reaps all that has ended. The exit code once the program is among it; -1 before.
int reap(long program) noexcept {
    int code = -1;
    for (;;) {
        int status = 0;
        const long pid = call(sys_wait4, -1, arg(&status), kNoHang, 0);
        if (pid <= 0) return code;
        if (pid == program) code = (status & 0x7f) != 0 ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
    }
}

}  // namespace

extern "C" [[noreturn]] void init_main(long* stack) noexcept {
    char** argv = reinterpret_cast<char**>(stack + 1);
    char** env = argv + stack[0] + 1;
    ++argv;
    if (*argv != nullptr && equal(*argv, "--")) ++argv;
    if (*argv == nullptr) {
        print("usage: docker-init [--] PROGRAM [ARGUMENTS]\n");
        leave(kCannotExecute);
    }
    // All but those that say that this program itself is wrong.
    uint64_t handled = ~(bit(kSegv) | bit(kAbort) | bit(kTrap) | bit(kFpe) | bit(kIll) | bit(kBus) | bit(kSys));
    uint64_t before = 0;
    call(sys_rt_sigprocmask, kSetMask, arg(&handled), arg(&before), kSignalSetSize);
    const long program = call(sys_clone, kChild, 0, 0, 0, 0);
    if (program == 0) become(argv, env, before);
    if (program < 0) cannot(argv[0], program);
    for (;;) {
        const long signal = call(sys_rt_sigtimedwait, arg(&handled), 0, 0, kSignalSetSize);
        if (signal == kChild) {
            if (const int code = reap(program); code >= 0) leave(code);
        } else if (signal > 0 && signal != kTerminalIn && signal != kTerminalOut) {
            call(sys_kill, program, signal);
        }
    }
}
