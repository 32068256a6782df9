#include "init/init.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <cstdio>

#include "init/pid1.h"
#include "sys/log.h"

namespace diatom::init {
int init_main(std::span<char*>, const Helpers& helpers) {
    if (getpid() != 1) {
        std::fputs(
            "diatom init: this is PID 1's program; \"diatom poweroff\", \"reboot\" and \"halt\" end the machine\n",
            stderr);
        return 2;
    }
    Pid1 pid1(helpers);
    pid1.boot();
    if (auto ran = pid1.run(); !ran) log::error("PID 1 cannot go on and restarts the machine", ran.error());
    ::sync();
    ::reboot(RB_AUTOBOOT);
    return 1;
}

}  // namespace diatom::init
