// PID 1 put together: the boot in order, then the loop. Thread side: the only thread of PID 1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/boot_config.h"
#include "init/control.h"
#include "init/hardware.h"
#include "init/init.h"
#include "init/notify_server.h"
#include "init/service.h"
#include "init/shutdown.h"
#include "init/state.h"
#include "proc/event_loop.h"

namespace diatom::init {

class Pid1 {
public:
    explicit Pid1(const Helpers& helpers);
    // Everything up to the start of the system engine. No failure ends it; each is logged and shown by status.
    void boot();
    // Until the machine ends. Returns when the loop cannot even wait any more.
    Result<void> run();

private:
    void prepare_kernel();   // mounts, cgroups, /etc, limits, log
    void prepare_machine();  // sysctls, host name, machine id, loopback, clock, seed
    void prepare_state();
    void configure_machine();
    void refuse_boot(const std::string& why);
    void keep_logs();
    void open_sockets();
    void watch_signals();
    void watch_hardware();
    void start_engine();
    void grow_state();
    void reap();
    void ended(const sys::ProcessId& process, const sys::ExitStatus& status);
    Json status() const;

    // Runs one part of the boot; what it throws (no memory) is a problem like others.
    template <class F>
    void stage(const char* name, F part);
    void problem(const char* where, const std::string& what);

    Helpers helpers_;
    std::unique_ptr<proc::EventLoop> loop_;
    Machine machine_;
    config::BootConfig config_;
    StateReport state_;
    std::vector<std::string> problems_;
    std::unique_ptr<NotifyServer> notify_;
    std::unique_ptr<ControlServer> control_;
    std::unique_ptr<Watchdog> watchdog_;
    std::unique_ptr<PowerButtons> buttons_;
    std::unique_ptr<Service> engine_;
    std::unique_ptr<Shutdown> shutdown_;
    pid_t grow_pid_ = 0;
};

}  // namespace diatom::init
