#include "init/shutdown.h"

#include <linux/reboot.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "init/machine_setup.h"
#include "init/state.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/mount.h"

namespace diatom::init {
namespace {

// Kernel threads are children of kthreadd (2) and have no executable.
bool is_user_process(const std::string& pid) {
    if (!parse_int(pid) || pid == "1") return false;
    return sys::read_link("/proc/" + pid + "/exe").has_value();
}

bool any_process() {
    const auto entries = sys::list_dir("/proc");
    return entries && std::ranges::any_of(*entries, is_user_process);
}

void kill_all_cgroups() {
    const auto root = sys::Cgroup::mount_point();
    const auto groups = root ? sys::list_dir(*root) : Result<std::vector<std::string>>(std::vector<std::string>{});
    for (const auto& name : groups ? *groups : std::vector<std::string>{}) {
        if (const auto file = *root + "/" + name + "/cgroup.kill"; sys::exists(file))
            std::ignore = sys::write_control(file, "1");
    }
    ::kill(-1, SIGKILL);
}

// Files of the state partition may be among it.
void stop_swapping() {
    const auto text = sys::read_file("/proc/swaps").value_or("");
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        if (!words.empty() && words[0].starts_with('/')) ::swapoff(std::string(words[0]).c_str());
    }
}

// What lies on a disk, wherever it is mounted: parts of the state partition are, below /home and /opt.
bool is_on_disk(const sys::MountPoint& mount) {
    const bool state = mount.target == kStateDir || mount.target.starts_with(std::string(kStateDir) + "/");
    return state || (mount.source.starts_with("/dev/") && mount.target != "/");
}

// From the innermost mount outwards; what is still busy is at least made read-only, so that nothing is left to write.
void unmount_state() {
    std::ignore = save_random_seed(kStateDir);
    stop_swapping();
    ::sync();
    auto mounts = sys::list_mounts();
    if (!mounts) return;
    std::ranges::reverse(*mounts);
    for (const auto& mount : *mounts) {
        if (!is_on_disk(mount) || sys::unmount(mount.target)) continue;
        ::mount(nullptr, mount.target.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
        std::ignore = sys::unmount(mount.target, MNT_DETACH);
    }
    ::sync();
}

void end_machine(proc::Power how) {
    const auto loaded = sys::read_file("/sys/kernel/kexec_loaded", 8);
    if (how == proc::Power::kexec && loaded && trim(*loaded) == "1") ::reboot(LINUX_REBOOT_CMD_KEXEC);
    if (how == proc::Power::off) ::reboot(RB_POWER_OFF);
    if (how == proc::Power::halt) ::reboot(RB_HALT_SYSTEM);
    ::reboot(RB_AUTOBOOT);
}

}  // namespace

ShutdownActions real_shutdown_actions() {
    ShutdownActions actions;
    actions.anything_runs = any_process;
    actions.signal_all = [](int signal) { ::kill(-1, signal); };
    actions.kill_cgroups = kill_all_cgroups;
    actions.close_state = unmount_state;
    actions.end = end_machine;
    return actions;
}

Result<std::unique_ptr<Shutdown>> Shutdown::create(proc::EventLoop& loop, ShutdownActions actions) {
    std::unique_ptr<Shutdown> shutdown(new Shutdown(loop, std::move(actions)));
    shutdown->timer_ = TRY(loop.add_timer(0, 0, [self = shutdown.get()] { self->tick(); }));
    return shutdown;
}

void Shutdown::begin(proc::Power how, std::string_view why) {
    how_ = how;
    if (stage_ != Stage::none) return;
    log::warning("shutting down", {{"why", why}});
    stage_ = Stage::engine;
    deadline_ns_ = sys::boot_ns() + actions_.engine_ns;
    std::ignore = loop_.set_timer(timer_, actions_.step_ns, actions_.step_ns);
    actions_.stop_engine();
}

void Shutdown::engine_stopped() {
    if (stage_ == Stage::engine) stop_rest();
}

void Shutdown::stop_rest() {
    stage_ = Stage::rest;
    deadline_ns_ = sys::boot_ns() + actions_.grace_ns;
    actions_.signal_all(SIGTERM);
    // Terminals ignore SIGTERM while a shell is on them.
    actions_.signal_all(SIGHUP);
    actions_.signal_all(SIGCONT);
}

void Shutdown::tick() {
    const bool late = sys::boot_ns() >= deadline_ns_;
    if (stage_ == Stage::engine && late) {
        log::error("the system engine did not stop its containers in time");
        stop_rest();
    } else if (stage_ == Stage::rest && (late || !actions_.anything_runs())) {
        finish();
    }
}

void Shutdown::finish() {
    stage_ = Stage::done;
    std::ignore = loop_.set_timer(timer_, 0);
    if (actions_.anything_runs()) actions_.kill_cgroups();
    actions_.close_state();
    actions_.end(how_);
}

}  // namespace diatom::init
