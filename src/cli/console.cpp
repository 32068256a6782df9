// `diatom console`: the program of the console service. Keeps one session on every terminal of the machine.
//
// Accounts have no passwords: without diatom.autologin a terminal shows how to get in and opens nothing. With it, or in
// recovery, a root shell starts at once, and again when it ends.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/command.h"
#include "config/boot_config.h"
#include "config/version.h"
#include "proc/event_loop.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::cli {
namespace {

constexpr const char* kShell = "/bin/sh";
constexpr std::int64_t kPauseNs = 1'000'000'000;  // between a shell that ended and the next

std::vector<std::string> terminal_names() {
    std::vector<std::string> names;
    const auto active = sys::read_file("/sys/class/tty/console/active", 1024).value_or("");
    for (const auto name : split_words(active)) names.emplace_back(name == "tty0" ? "tty1" : name);
    for (const auto* more : {"tty1", "hvc0"}) {
        if (sys::exists(std::string("/sys/class/tty/") + more)) names.emplace_back(more);
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

std::string host_name() {
    utsname names{};
    return ::uname(&names) == 0 ? names.nodename : "diatom";
}

// What keeps the machine from starting, in recovery that nobody asked for.
std::string recovery_reason() {
    const auto text = sys::read_file(config::kRecoveryReason).value_or("");
    std::string shown;
    for (const auto line : split(text, '\n')) {
        if (!line.empty()) shown += std::format("  {}\r\n", line);
    }
    if (shown.empty()) return {};
    return "\r\nTHE CONFIGURATION FAILED, and the machine was not started:\r\n" + shown +
           "Mend it where it comes from and `reboot`; diatom.platform=none on the kernel command line starts "
           "without.\r\n";
}

std::string banner(const std::string& terminal, bool shell) {
    std::string text = std::format("\r\nDiatom OS {} {} {}\r\n", config::version(), host_name(), terminal);
    if (shell) return text + recovery_reason();
    return text +
           "Accounts have no password, so nobody can log in here. To get in: use the Docker API (docker -H …),\r\n"
           "or boot with diatom.autologin on the kernel command line for a root shell on this terminal.\r\n";
}

class Session {
public:
    Session(proc::EventLoop& loop, std::string terminal) : loop_(loop), terminal_(std::move(terminal)) {}
    ~Session() { loop_.remove(watch_); }

    Result<void> create() {
        timer_ = TRY(loop_.add_timer(0, 0, [this] { start(); }));
        return {};
    }

    void start() {
        if (auto started = spawn_shell(); !started) {
            log::warning("no shell on a terminal", {{"terminal", terminal_}, {"error", started.error().what()}});
            std::ignore = loop_.set_timer(timer_, 30 * kPauseNs);
        }
    }

private:
    Result<void> spawn_shell() {
        const auto fd = TRY(sys::open_path("/dev/" + terminal_, O_RDWR | O_NOCTTY | O_NONBLOCK));
        TRY(sys::set_nonblocking(fd, false));
        std::ignore = ::write(fd.raw(), greeting_.data(), greeting_.size());
        proc::SpawnRequest request;
        request.path = kShell;
        request.argv = {"-sh"};
        request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME=/root",
                       "USER=root",
                       "LOGNAME=root",
                       "SHELL=/bin/sh",
                       terminal_.starts_with("tty") && !terminal_.starts_with("ttyS") ? "TERM=linux" : "TERM=vt220"};
        request.directory = "/root";
        request.fds = {{fd, 0}, {fd, 1}, {fd, 2}};
        request.controlling_terminal = fd;
        child_ = TRY(proc::spawn(request));
        watch_ = TRY(loop_.add(child_.pidfd, EPOLLIN, [this](std::uint32_t) {
            loop_.remove(watch_);
            std::ignore = sys::reap(child_.pidfd);
            std::ignore = loop_.set_timer(timer_, kPauseNs);
        }));
        return {};
    }

    proc::EventLoop& loop_;
    std::string terminal_, greeting_ = banner(terminal_, true);
    proc::Child child_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none, timer_ = proc::EventLoop::Watch::none;
};

Result<void> show_locked(const std::string& terminal) {
    const auto fd = TRY(sys::open_path("/dev/" + terminal, O_WRONLY | O_NOCTTY | O_NONBLOCK));
    return sys::write_all(fd, banner(terminal, false));
}

bool wants_shell(const config::BootConfig& config, const std::string& terminal) {
    if (config.recovery) return true;
    if (!config.autologin) return false;
    return config.autologin_terminals.empty() || std::ranges::contains(config.autologin_terminals, terminal);
}

Result<void> run(std::span<char*> args) {
    auto config = config::read_boot_config();
    if (args.size() > 1 && std::string_view(args[1]) == "--recovery") config.recovery = true;
    // In recovery standard error is the machine's console, else its container's log, which `diatom logs` reads too.
    log::open_sink({.directory = "/run/diatom/log",
                    .unit = "console",
                    .echo = config.recovery ? std::optional(log::Level::warning) : std::nullopt});
    auto loop = TRY(proc::EventLoop::create());
    std::vector<std::unique_ptr<Session>> sessions;
    for (const auto& terminal : terminal_names()) {
        if (!wants_shell(config, terminal)) {
            if (auto shown = show_locked(terminal); !shown) log::debug("terminal", {{"error", shown.error().what()}});
            continue;
        }
        sessions.push_back(std::make_unique<Session>(*loop, terminal));
        TRY(sessions.back()->create());
        sessions.back()->start();
    }
    return loop->run();
}

}  // namespace

int console_command(std::span<char*> args) {
    auto ran = run(args);
    return ran ? 0 : report("console", ran.error());
}

}  // namespace diatom::cli
