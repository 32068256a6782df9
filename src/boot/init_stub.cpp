// /init of the initramfs: mounts /root.erofs where it lies, makes it the root and becomes its /sbin/init.
//
//   kernel -> /init (this, some KB) -> mount /root.erofs on /sysroot -> move it to / -> exec /sbin/init
//
// Why it exists: the initramfs is held uncompressed in memory for ever, the EROFS image inside it stays compressed. So
// only this program stands in the initramfs itself, and the large one in the image.
//
// EROFS on a file needs Linux 6.12 and a file system whose pages can be read directly: ramfs can, tmpfs cannot. The
// kernel makes its first file system a ramfs when booted with rootfstype=ramfs (our default); otherwise the image is
// copied into a ramfs first.
//
// The kernel also starts /init for its user-mode helpers (CONFIG_STATIC_USERMODEHELPER_PATH), with the wanted program
// in argv[0]: then it hands the two that are answered over to the system program.
//
// Freestanding: no library, no allocation, raw system calls. Any failure is printed and ends in a reboot, which lets
// the boot loader's counter fall back to the version before.
#include <stddef.h>
#include <stdint.h>

namespace {

#if defined(__x86_64__)
enum Number : long {
    sys_read = 0,
    sys_write = 1,
    sys_close = 3,
    sys_nanosleep = 35,
    sys_getpid = 39,
    sys_execve = 59,
    sys_chdir = 80,
    sys_chroot = 161,
    sys_mount = 165,
    sys_reboot = 169,
    sys_exit = 60,
    sys_sync = 162,
    sys_openat = 257,
    sys_mkdirat = 258,
    sys_unlinkat = 263,
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

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call stub_main\n hlt\n");
#elif defined(__aarch64__)
enum Number : long {
    sys_mkdirat = 34,
    sys_unlinkat = 35,
    sys_mount = 40,
    sys_chdir = 49,
    sys_chroot = 51,
    sys_openat = 56,
    sys_close = 57,
    sys_read = 63,
    sys_write = 64,
    sys_sync = 81,
    sys_exit = 93,
    sys_nanosleep = 101,
    sys_reboot = 142,
    sys_getpid = 172,
    sys_execve = 221,
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

__asm__(".globl _start\n_start:\n mov x29, xzr\n mov x0, sp\n bl stub_main\n brk 0\n");
#else
#error "no system call numbers for this architecture: add them above"
#endif

constexpr long kAtFdcwd = -100;
constexpr long kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2, kCreate = 0100, kCloexec = 02000000;
constexpr long kMsRdonly = 1, kMsNosuid = 2, kMsNodev = 4, kMsMove = 8192;
constexpr long kEnotblk = 15;  // what EROFS says of a file that it cannot read directly
constexpr long kRebootMagic1 = 0xfee1dead, kRebootMagic2 = 672274793, kRebootRestart = 0x01234567;
constexpr long kSecondsBeforeReboot = 10;

constexpr const char* kImage = "/root.erofs";
constexpr const char* kRoot = "/sysroot";
constexpr const char* kCopyDirectory = "/copy";
constexpr const char* kCopy = "/copy/root.erofs";
constexpr const char* kInit = "/sbin/init";
constexpr const char* kSystemProgram = "/usr/bin/diatom";
// What the kernel may ask of us: orderly_poweroff() and orderly_reboot() of its kernel/reboot.c. Nothing else, and no
// arguments: who can write /proc/sys/kernel/core_pattern would choose them.
constexpr const char* kHelpers[] = {"/sbin/poweroff", "/sbin/reboot"};

long arg(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

// One line, built in place: the kernel log takes a record per write.
class Line {
public:
    Line& add(const char* text) noexcept {
        while (*text != 0 && size_ + 1 < sizeof(text_)) text_[size_++] = *text++;
        return *this;
    }
    Line& add(long number) noexcept {
        char digits[21];
        size_t at = sizeof(digits);
        digits[--at] = 0;
        do digits[--at] = static_cast<char>('0' + number % 10);
        while ((number /= 10) != 0);
        return add(digits + at);
    }
    void print() noexcept {
        text_[size_++] = '\n';
        const long log = call(sys_openat, kAtFdcwd, arg("/dev/kmsg"), kWriteOnly | kCloexec);
        if (log >= 0) call(sys_write, log, arg(text_), static_cast<long>(size_));
        const long console = call(sys_openat, kAtFdcwd, arg("/dev/console"), kWriteOnly | kCloexec);
        call(sys_write, console >= 0 ? console : 2, arg(text_ + kPrefix), static_cast<long>(size_ - kPrefix));
    }

private:
    // Starts with the kernel log's priority, which the console does not get.
    static constexpr size_t kPrefix = 3;
    char text_[256] = {'<', '2', '>'};
    size_t size_ = kPrefix;
};

[[noreturn]] void give_up(const char* what, long result) noexcept {
    Line()
        .add("diatom: ")
        .add(what)
        .add(" failed: error ")
        .add(-result)
        .add("; rebooting in ")
        .add(kSecondsBeforeReboot)
        .add(" seconds")
        .print();
    const struct {
        long seconds, nanoseconds;
    } pause{kSecondsBeforeReboot, 0};
    call(sys_nanosleep, arg(&pause), 0);
    call(sys_sync);
    call(sys_reboot, kRebootMagic1, kRebootMagic2, kRebootRestart, 0);
    for (;;) call(sys_exit, 1);
}

void need(const char* what, long result) noexcept {
    if (result < 0) give_up(what, result);
}

long copy_file(const char* from, const char* to) noexcept {
    static char buffer[64 * 1024];
    const long in = call(sys_openat, kAtFdcwd, arg(from), kReadOnly | kCloexec);
    if (in < 0) return in;
    const long out = call(sys_openat, kAtFdcwd, arg(to), kReadWrite | kCreate | kCloexec, 0400);
    if (out < 0) return out;
    for (;;) {
        const long got = call(sys_read, in, arg(buffer), sizeof(buffer));
        if (got <= 0) {
            call(sys_close, in);
            call(sys_close, out);
            return got;
        }
        for (long done = 0; done < got;) {
            const long put = call(sys_write, out, arg(buffer + done), got - done);
            if (put < 0) return put;
            done += put;
        }
    }
}

long mount_image(const char* image) noexcept {
    return call(sys_mount, arg(image), arg(kRoot), arg("erofs"), kMsRdonly | kMsNosuid | kMsNodev, 0);
}

void mount_copy() noexcept {
    call(sys_mkdirat, kAtFdcwd, arg(kCopyDirectory), 0700);
    need("mount a ramfs", call(sys_mount, arg("ramfs"), arg(kCopyDirectory), arg("ramfs"), kMsNosuid | kMsNodev, 0));
    need("copy /root.erofs", copy_file(kImage, kCopy));
    call(sys_unlinkat, kAtFdcwd, arg(kImage), 0);
    need("mount /root.erofs (is CONFIG_EROFS_FS_BACKED_BY_FILE in this kernel?)", mount_image(kCopy));
}

[[noreturn]] void become_init(char** argv, char** env) noexcept {
    const long mounted = mount_image(kImage);
    if (mounted == -kEnotblk) {
        mount_copy();
    } else {
        need("mount /root.erofs (is CONFIG_EROFS_FS_BACKED_BY_FILE in this kernel?)", mounted);
    }
    need("enter the root", call(sys_chdir, arg(kRoot)));
    need("move the root", call(sys_mount, arg("."), arg("/"), 0, kMsMove, 0));
    need("chroot", call(sys_chroot, arg(".")));
    need("enter /", call(sys_chdir, arg("/")));
    argv[0] = const_cast<char*>(kInit);
    give_up("execute /sbin/init", call(sys_execve, arg(kInit), arg(argv), arg(env)));
}

bool equal(const char* a, const char* b) noexcept {
    while (*a != 0 && *a == *b) ++a, ++b;
    return *a == *b;
}

// Kernel threads share the root of PID 1, which is the image by then: there, too, this program stands as /init.
void run_kernel_helper(char** argv, char** env) noexcept {
    bool known = false;
    for (const auto* helper : kHelpers) known = known || (argv[0] != nullptr && equal(argv[0], helper));
    if (!known) return;
    argv[1] = nullptr;
    call(sys_execve, arg(kSystemProgram), arg(argv), arg(env));
}

}  // namespace

extern "C" [[noreturn]] void stub_main(long* stack) noexcept {
    const long argc = stack[0];
    char** argv = reinterpret_cast<char**>(stack + 1);
    char** env = argv + argc + 1;
    if (call(sys_getpid) == 1) become_init(argv, env);
    run_kernel_helper(argv, env);
    for (;;) call(sys_exit, 127);
}
