// `diatom console`: the program of the console service. Keeps one session on every terminal of the machine.
//
// `diatom console` itself keeps one session on every terminal: a root shell with diatom.autologin, console.autologin or
// in recovery; a login once any account has a password; until then what there is to do. With a word behind it, it
// chooses which console that is (console_choose.cpp).
#include <fcntl.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "cli/choose.h"
#include "cli/command.h"
#include "config/boot_config.h"
#include "config/services.h"
#include "config/version.h"
#include "proc/event_loop.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/retry.h"
#include "sys/socket.h"

namespace diatom::cli {
namespace {

constexpr const char* kShell = "/bin/sh";
constexpr const char* kLogin = "/bin/login";
constexpr const char* kLock = "/run/diatom/console.lock";
constexpr const char* kAccounts = "/etc/shadow";
constexpr std::size_t kMaxAccounts = 1U << 20U, kMaxOptions = 4096;
constexpr std::int64_t kPauseNs = 1'000'000'000;  // between a shell that ended and the next
constexpr std::int64_t kLookNs = 5'000'000'000;   // between looks for an account that could log in

enum class Way : std::uint8_t { shell, login, none };

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

// The hash of a password: neither locked nor empty.
bool has_password(std::string_view line) {
    const auto fields = split(line, ':');
    return fields.size() > 1 && !fields[1].empty() && fields[1].front() != '!' && fields[1].front() != '*';
}

bool can_anybody_log_in() {
    const auto accounts = sys::read_file(kAccounts, kMaxAccounts).value_or("");
    return sys::exists(kLogin) && std::ranges::any_of(split(accounts, '\n'), has_password);
}

std::string banner(const std::string& terminal, Way way) {
    std::string text = std::format("\r\nDiatom OS {} {} {}\r\n", config::version(), host_name(), terminal);
    if (way == Way::shell) return text + recovery_reason();
    if (way == Way::login) return text;
    return text +
           "Accounts have no password, so nobody can log in here. To get in: use the Docker API (docker -H …),\r\n"
           "give an account a password or a key in the machine's configuration, or boot with diatom.autologin on "
           "the\r\n"
           "kernel command line for a root shell on this terminal.\r\n";
}

class Session {
public:
    Session(proc::EventLoop& loop, std::string terminal, bool opens_shell)
        : loop_(loop), terminal_(std::move(terminal)), opens_shell_(opens_shell) {}
    ~Session() { loop_.remove(watch_); }

    Result<void> create() {
        timer_ = TRY(loop_.add_timer(0, 0, [this] { start(); }));
        return {};
    }

    void start() {
        const auto way = opens_shell_ ? Way::shell : can_anybody_log_in() ? Way::login : Way::none;
        if (way == Way::none) return show_locked();
        if (auto started = spawn(way); !started) {
            log::warning("no shell on a terminal", {{"terminal", terminal_}, {"error", started.error().what()}});
            std::ignore = loop_.set_timer(timer_, 30 * kPauseNs);
        }
    }

private:
    // Once, and then until there is an account that can log in.
    void show_locked() {
        if (!std::exchange(shown_, true)) {
            const auto fd = sys::open_path("/dev/" + terminal_, O_WRONLY | O_NOCTTY | O_NONBLOCK);
            auto done = fd ? sys::write_all(*fd, banner(terminal_, Way::none)) : Result<void>(Failure(fd.error()));
            if (!done) log::debug("terminal", {{"error", done.error().what()}});
        }
        std::ignore = loop_.set_timer(timer_, kLookNs);
    }

    Result<void> spawn(Way way) {
        const auto fd = TRY(sys::open_path("/dev/" + terminal_, O_RDWR | O_NOCTTY | O_NONBLOCK));
        TRY(sys::set_nonblocking(fd, false));
        const auto greeting = banner(terminal_, way);
        std::ignore = ::write(fd.raw(), greeting.data(), greeting.size());
        proc::SpawnRequest request;
        request.path = way == Way::shell ? kShell : kLogin;
        request.argv = {way == Way::shell ? "-sh" : "login"};
        request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME=/root",
                       "USER=root",
                       "LOGNAME=root",
                       "SHELL=/bin/sh",
                       terminal_.starts_with("tty") && !terminal_.starts_with("ttyS") ? "TERM=linux" : "TERM=vt220"};
        request.directory = sys::exists("/root") ? "/root" : "/";
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
    std::string terminal_;
    bool opens_shell_, shown_ = false;
    proc::Child child_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none, timer_ = proc::EventLoop::Watch::none;
};

bool wants_shell(const config::BootConfig& config, const std::string& terminal) {
    if (config.recovery) return true;
    if (!config.autologin) return false;
    return config.autologin_terminals.empty() || std::ranges::contains(config.autologin_terminals, terminal);
}

// One console at a time has the terminals: one that is to take the place of another is started first and waits for the
// end of the other, whose shell may be what asked for it.
Result<Fd> own_terminals() {
    auto lock = TRY(sys::open_path(kLock, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (sys::retry_interrupted([&] { return ::flock(lock.raw(), LOCK_EX); }) < 0)
        return fail_errno(errno, "lock {}", kLock);
    return lock;
}

Result<void> run(std::span<char*> args) {
    auto config = config::read_boot_config();
    if (args.size() > 1 && std::string_view(args[1]) == "--recovery") config.recovery = true;
    const auto options = sys::read_file(config::kConsoleOptions, kMaxOptions).value_or("");
    if (std::ranges::contains(split(options, '\n'), "autologin")) config.autologin = true;
    // In recovery standard error is the machine's console, else its container's log, which `diatom logs` reads too.
    log::open_sink({.directory = "/run/diatom/log",
                    .unit = "console",
                    .echo = config.recovery ? std::optional(log::Level::warning) : std::nullopt});
    const auto terminals = config.recovery ? Fd() : TRY(own_terminals());
    auto loop = TRY(proc::EventLoop::create());
    std::vector<std::unique_ptr<Session>> sessions;
    for (const auto& terminal : terminal_names()) {
        sessions.push_back(std::make_unique<Session>(*loop, terminal, wants_shell(config, terminal)));
        TRY(sessions.back()->create());
        sessions.back()->start();
    }
    return loop->run();
}

}  // namespace

int console_command(std::span<char*> args) {
    if (args.size() > 1 && std::string_view(args[1]) != "--recovery") {
        const auto code = choose_console(args);
        return code ? *code : report("console", code.error());
    }
    auto ran = run(args);
    return ran ? 0 : report("console", ran.error());
}

}  // namespace diatom::cli
