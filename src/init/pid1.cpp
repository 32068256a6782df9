#include "init/pid1.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/strings.h"
#include "config/boot_config.h"
#include "config/version.h"
#include "init/early_mounts.h"
#include "init/machine_setup.h"
#include "init/reaper.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {

constexpr const char* kLogDir = "/run/diatom/log";
constexpr const char* kProgram = "/usr/bin/diatom";  // by its name, which ps then shows
using config::kRecoveryReason;
constexpr const char* kReleaseFile = "/usr/share/diatom/version";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kConfigureMs = 35 * 60 * 1000;  // more than a command of the boot may take
constexpr int kKeepLogsMs = 5000;

// What stands before the program: the system engine, or in recovery a shell on every terminal.
std::vector<std::string> main_program(const config::BootConfig& config) {
    if (config.recovery) return {"diatom", "console", "--recovery"};
    return {"diatom", "engine", "--scope", "system"};
}

Result<proc::Child> spawn_main(const config::BootConfig& config) {
    const auto group = sys::Cgroup::create("system-engine");
    const auto console = sys::open_path("/dev/console", O_WRONLY | O_NOCTTY);
    proc::SpawnRequest request;
    request.path = sys::exists(kProgram) ? kProgram : "/proc/self/exe";
    request.argv = main_program(config);
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", std::string("NOTIFY_SOCKET=") + proc::kNotifySocket,
                   "HOME=/root"};
    if (console) request.fds = {{*console, 1}, {*console, 2}};
    if (group) request.cgroup = group->fd();
    return proc::spawn(request);
}

}  // namespace

template <class F>
void Pid1::stage(const char* name, F part) {
    try {
        part();
    } catch (const std::exception& e) {
        problem(name, e.what());
    }
    machine_.timeline.mark(name, sys::boot_ns() / 1000);
}

Pid1::Pid1(const Helpers& helpers) : helpers_(helpers) {
    machine_.timeline.mark("kernel", sys::boot_ns() / 1000);
    machine_.status = [this] { return status(); };
    machine_.power = [this](proc::Power how) { shutdown_->begin(how, "asked to by a program"); };
    machine_.settle = [this] {
        if (notify_) notify_->drain();
        reap();
    };
}

void Pid1::problem(const char* where, const std::string& what) {
    log::error(where, {{"error", what}});
    if (problems_.size() < 100) problems_.push_back(std::string(where) + ": " + what);
}

void Pid1::boot() {
    stage("mounts", [this] { prepare_kernel(); });
    stage("machine", [this] { prepare_machine(); });
    stage("state", [this] { prepare_state(); });
    stage("configuration", [this] { configure_machine(); });
    stage("supervision", [this] {
        open_sockets();
        watch_signals();
    });
    stage("system engine started", [this] { start_engine(); });
    stage("hardware", [this] { watch_hardware(); });
    if (state_.grow) stage("growing", [this] { grow_state(); });
}

Result<void> Pid1::run() { return loop_->run(); }

void Pid1::prepare_kernel() {
    const auto failed = make_early_mounts();
    open_standard_streams();
    config_ = config::read_boot_config();
    log::open_sink({.directory = kLogDir, .unit = "init", .least = config_.log_level});
    for (const auto& what : failed) problem("early mounts", what);
    for (const auto& warning : config_.warnings) {
        log::warning("configuration", {{"warning", warning}});
        problems_.push_back(warning);
    }
    if (auto filled = fill_etc("/usr/share/diatom/etc", "/etc"); !filled) problem("/etc", filled.error().what());
    if (auto done = delegate_controllers("/sys/fs/cgroup"); !done) problem("cgroups", done.error().what());
    if (auto raised = raise_limits(); !raised) problem("limits", raised.error().what());
}

void Pid1::prepare_machine() {
    for (const auto& what : apply_sysctls("/usr/share/diatom/sysctl.conf")) log::warning("sysctl", {{"error", what}});
    if (auto up = raise_loopback(); !up) problem("loopback", up.error().what());
    for (const auto& what : raise_links()) log::warning("a network card stays down", {{"error", what}});
}

void Pid1::prepare_state() {
    state_ = open_state(config_, StateTools::real());
    const bool durable = state_.kind == StateReport::Kind::partition;
    if (!state_.problem.empty()) problem("state partition", state_.problem);
    if (auto set = correct_clock(kReleaseFile, kStateDir); !set) problem("clock", set.error().what());
    else if (*set) log::warning("the clock stood before this release; it is set to the last time known");
    if (auto loaded = load_random_seed(kStateDir); !loaded) problem("random seed", loaded.error().what());
    if (auto id = set_machine_id(kStateDir, durable, "/etc/machine-id"); !id) problem("machine id", id.error().what());
    if (auto name = set_hostname(config_.hostname, kStateDir); !name) problem("host name", name.error().what());
}

// In a copy of this process: nothing that a configuration does to a program may end PID 1.
void Pid1::configure_machine() {
    if (config_.recovery) return;
    proc::SpawnRequest request;
    request.path = kProgram;
    request.argv = {"diatom", "config"};
    request.entry = helpers_.configure;
    const auto output = proc::run(std::move(request), kConfigureMs);
    if (!output) return problem("configuration", output.error().what());
    for (const auto line : split(output->out, '\n')) {
        if (line.starts_with("fatal: ")) refuse_boot(std::string(line.substr(7)));
        else if (line.starts_with("error: ")) problem("configuration", std::string(line.substr(7)));
        else if (line.starts_with("warning: ")) log::warning("configuration", {{"warning", line.substr(9)}});
        else if (!line.empty()) log::info("configuration", {{"text", line}});
    }
    const auto seconds = parse_uint(trim(sys::read_file(config::kWatchdogSeconds).value_or("")));
    if (!config_.watchdog_s && !config_.watchdog_off && seconds.value_or(0) > 0)
        config_.watchdog_s = static_cast<unsigned>(*seconds);
}

// Half a machine is not started: its owner is let in to see why.
void Pid1::refuse_boot(const std::string& why) {
    problem("THE CONFIGURATION FAILED, and the machine is not started", why);
    config_.recovery = true;
    auto said = sys::read_file(kRecoveryReason).value_or("") + why + "\n";
    if (auto written = sys::write_file(kRecoveryReason, said); !written) log::error("recovery", written.error());
}

// The services are gone, and what they and PID 1 said since the log's own ended is only in memory or, where it is a
// container's, removed at the next boot.
void Pid1::keep_logs() {
    if (state_.kind != StateReport::Kind::partition) return;
    proc::SpawnRequest request;
    request.path = kProgram;
    request.argv = {"diatom", "logs"};
    request.entry = helpers_.keep_logs;
    const auto kept = proc::run(std::move(request), kKeepLogsMs);
    if (!kept) log::error("the last lines of the log are not kept", kept.error());
}

void Pid1::open_sockets() {
    auto loop = proc::EventLoop::create();
    if (!loop) {
        problem("event loop", loop.error().what());
        return;
    }
    loop_ = std::move(*loop);
    auto actions = real_shutdown_actions();
    actions.stop_engine = [this] {
        if (engine_) engine_->stop(SIGPWR);
        else shutdown_->engine_stopped();
    };
    actions.close_state = [this, close = std::move(actions.close_state)] {
        keep_logs();
        close();
    };
    if (auto made = Shutdown::create(*loop_, std::move(actions))) shutdown_ = std::move(*made);
    else problem("shutdown", made.error().what());

    auto notify = sys::listen_unix(proc::kNotifySocket, sys::SocketType::datagram, 0600);
    if (notify) {
        auto server =
            NotifyServer::create(*loop_, std::move(*notify), machine_.fds, [this](pid_t sender, const Notification& n) {
                if (engine_) engine_->notified(sender, n);
            });
        if (server) notify_ = std::move(*server);
    }
    if (!notify_) problem("notification socket", notify ? "cannot watch it" : notify.error().what());
    auto control = sys::listen_unix(proc::kInitSocket, sys::SocketType::packet, 0600);
    if (control) {
        if (auto server = ControlServer::create(*loop_, std::move(*control), machine_)) control_ = std::move(*server);
    }
    if (!control_) problem("control socket", control ? "cannot watch it" : control.error().what());
}

void Pid1::watch_signals() {
    // Ctrl-Alt-Del comes as SIGINT from here on.
    ::reboot(RB_DISABLE_CAD);
    const std::vector<int> signals{SIGCHLD, SIGTERM, SIGINT, SIGPWR, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM};
    auto watched = loop_->add_signals(signals, [this](const signalfd_siginfo& info) {
        switch (static_cast<int>(info.ssi_signo)) {
            case SIGCHLD: reap(); break;
            case SIGTERM: shutdown_->begin(proc::Power::off, "SIGTERM"); break;
            case SIGPWR: shutdown_->begin(proc::Power::off, "SIGPWR: the power fails"); break;
            case SIGINT: shutdown_->begin(proc::Power::reboot, "SIGINT or Ctrl-Alt-Del"); break;
            default: break;
        }
    });
    if (!watched) problem("signals", watched.error().what());
    // A child may end while a SIGCHLD of another is being handled, or have ended before: a sweep finds what was missed.
    auto sweep = loop_->add_timer(kSecond, 30 * kSecond, [this] { reap(); });
    if (!sweep) problem("reaper", sweep.error().what());
}

void Pid1::reap() {
    reap_children([this](const auto& process, const auto& status) { ended(process, status); });
}

void Pid1::ended(const sys::ProcessId& process, const sys::ExitStatus& status) {
    if (engine_ && engine_->ended(process, status)) return;
    if (process.pid == grow_pid_) {
        grow_pid_ = 0;
        if (status == sys::ExitStatus{}) log::info("the state file system has grown to its device");
        else problem("state partition", std::format("resize2fs ended with {}; its size stays", status.shell_code()));
        return;
    }
    machine_.ledger.record(process, status);
}

void Pid1::watch_hardware() {
    if (config_.watchdog_s) {
        if (auto made = Watchdog::create(*loop_, *config_.watchdog_s)) watchdog_ = std::move(*made);
        else problem("watchdog", made.error().what());
    }
    buttons_ =
        std::make_unique<PowerButtons>(*loop_, [this] { shutdown_->begin(proc::Power::off, "the power button"); });
    buttons_->scan();
    // Input devices may come late; the seed is saved once there is something in it.
    auto later = loop_->add_timer(5 * kSecond, 60 * kSecond, [this] { buttons_->scan(); });
    auto seed = loop_->add_timer(30 * kSecond, 0, [this] {
        if (state_.kind == StateReport::Kind::partition) std::ignore = save_random_seed(kStateDir);
    });
    if (!later || !seed) problem("timers", "cannot be made");
}

void Pid1::start_engine() {
    Service::Options options;
    options.name = config_.recovery ? "recovery console" : "system engine";
    options.spawn = [this] { return spawn_main(config_); };
    options.stopped = [this] { shutdown_->engine_stopped(); };
    auto service = Service::create(*loop_, std::move(options));
    if (!service) {
        problem("system engine", service.error().what());
        return;
    }
    engine_ = std::move(*service);
    engine_->start();
}

void Pid1::grow_state() {
    proc::SpawnRequest request;
    request.argv = grow_command(state_.device);
    request.path = request.argv[0];
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    auto child = proc::spawn(request);
    if (child) grow_pid_ = child->pid;
    else problem("state partition", child.error().what());
}

Json Pid1::status() const {
    const bool durable = state_.kind == StateReport::Kind::partition;
    Json state{{"persistent", durable},         {"device", state_.device},   {"problem", state_.problem},
               {"formatted", state_.formatted}, {"checked", state_.checked}, {"growing", grow_pid_ != 0}};
    Json engine = nullptr;
    if (engine_) {
        engine = {{"running", engine_->state() == Service::State::running},
                  {"pid", engine_->pid()},
                  {"ready", engine_->ready()},
                  {"restarts", engine_->restarts()},
                  {"status", engine_->status()}};
    }
    return {{"version", config::version()},
            {"state", std::move(state)},
            {"system_engine", std::move(engine)},
            {"problems", problems_},
            {"recovery", config_.recovery},
            {"uptime_us", sys::boot_ns() / 1000},
            {"shutting_down", shutdown_ && shutdown_->stage() != Shutdown::Stage::none},
            {"watchdog", watchdog_ != nullptr}};
}

}  // namespace diatom::init
