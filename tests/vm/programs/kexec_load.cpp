// Loads /vmlinuz and /initramfs for the next `reboot --kexec`, with this machine's command line and what is given.
//   kexec_load [ARGUMENT...]
#include <fcntl.h>
#include <linux/kexec.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

int main(int argc, char** argv) {
    std::ifstream file("/proc/cmdline");
    std::string line;
    std::getline(file, line);
    for (int i = 1; i < argc; ++i) line += std::string(" ") + argv[i];
    const int kernel = open("/vmlinuz", O_RDONLY | O_CLOEXEC), initramfs = open("/initramfs", O_RDONLY | O_CLOEXEC);
    if (syscall(SYS_kexec_file_load, kernel, initramfs, line.size() + 1, line.c_str(), 0UL) != 0) {
        std::perror("kexec_file_load");
        return 1;
    }
    std::puts("loaded");
    return 0;
}
