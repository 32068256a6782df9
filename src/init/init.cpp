#include "init/init.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "init/early_mounts.h"
#include "proc/spawn.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::init {
namespace {

Result<proc::Child> spawn_engine() {
    proc::SpawnRequest request;
    request.path = "/proc/self/exe";
    request.argv = {"diatom", "engine", "--scope", "system"};
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET=/run/diatom/notify.sock"};
    return proc::spawn(request);
}

[[noreturn]] void supervise() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    for (std::int64_t back_off = 100'000'000;; back_off = std::min<std::int64_t>(back_off * 2, 30'000'000'000)) {
        if (auto child = spawn_engine(); !child) log::error("start the system engine", child.error());
        const timespec pause{back_off / 1'000'000'000, back_off % 1'000'000'000};
        siginfo_t info;
        while (sigtimedwait(&all, &info, &pause) > 0) {
            while (waitpid(-1, nullptr, WNOHANG) > 0) {}
        }
    }
}

}  // namespace

int init_main(std::span<char*>) {
    if (getpid() != 1) {
        std::fputs("diatom init: this is PID 1's program; \"diatom poweroff\", \"reboot\" and \"halt\" end the machine\n", stderr);
        return 2;
    }
    const auto problems = make_early_mounts();
    log::open_sink({.directory = "/run/diatom/log", .unit = "init", .echo = log::Level::info});
    for (const auto& problem : problems) log::error("early mount", {{"error", problem}});
    if (auto filled = fill_etc("/usr/share/diatom/etc", "/etc"); !filled) log::error("fill /etc", filled.error());
    if (auto done = delegate_controllers("/sys/fs/cgroup"); !done) log::error("delegate controllers", done.error());
    log::info("PID 1 is up", {{"us", sys::boot_ns() / 1000}});
    supervise();
}

}  // namespace diatom::init
