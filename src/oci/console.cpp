#include "oci/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "sys/file.h"
#include "sys/process.h"
#include "sys/retry.h"
#include "sys/socket.h"

namespace diatom::oci {
namespace {

constexpr std::string_view kTerminalName = "/dev/ptmx";  // what goes with the descriptor, as runc and crun have it
constexpr int kFirstPassed = 3;

void copy_size(FdRef from, FdRef to) noexcept {
    winsize size{};
    if (::ioctl(from.raw(), TIOCGWINSZ, &size) == 0) ::ioctl(to.raw(), TIOCSWINSZ, &size);
}

// Our own terminal as it must be while another one is behind it; as it was, afterwards.
class RawTerminal {
public:
    explicit RawTerminal(FdRef terminal) : terminal_(terminal) {
        termios mode{};
        if (!terminal || ::tcgetattr(terminal.raw(), &mode) < 0) return;
        before_ = mode;
        ::cfmakeraw(&mode);
        ::tcsetattr(terminal.raw(), TCSANOW, &mode);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() {
        if (before_) ::tcsetattr(terminal_.raw(), TCSANOW, &*before_);
    }

private:
    FdRef terminal_;
    std::optional<termios> before_;
};

// Blocks every signal that can be passed on, for a signalfd; gives back the mask at the end.
class Signals {
public:
    static Result<Signals> take() {
        Signals signals;
        sigset_t wanted;
        ::sigfillset(&wanted);
        for (const int ours : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGCHLD}) ::sigdelset(&wanted, ours);
        if (const int error = ::pthread_sigmask(SIG_BLOCK, &wanted, &signals.before_); error != 0)
            return fail_errno(error, "block signals");
        signals.restore_ = true;
        signals.fd_ = Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!signals.fd_) return fail_errno(errno, "make a signalfd");
        return signals;
    }
    Signals(Signals&& other) noexcept
        : before_(other.before_), fd_(std::move(other.fd_)), restore_(std::exchange(other.restore_, false)) {}
    Signals& operator=(Signals&&) = delete;
    ~Signals() {
        if (restore_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    FdRef fd() const noexcept { return fd_; }
    std::optional<int> next() const {
        signalfd_siginfo info{};
        if (::read(fd_.raw(), &info, sizeof info) != sizeof info) return std::nullopt;
        return static_cast<int>(info.ssi_signo);
    }

private:
    Signals() = default;
    sigset_t before_{};
    Fd fd_;
    bool restore_ = false;
};

// One read's worth. False at the end, which a terminal shows as EIO once nobody has its other side open.
bool pass_on(FdRef from, FdRef to) {
    std::array<char, 8192> buffer{};
    const ssize_t got = sys::retry_interrupted([&] { return ::read(from.raw(), buffer.data(), buffer.size()); });
    if (got <= 0) return false;
    return static_cast<bool>(sys::write_all(to, std::string_view(buffer.data(), static_cast<std::size_t>(got))));
}

void drain(FdRef terminal) {
    pollfd more{terminal.raw(), POLLIN, 0};
    while (::poll(&more, 1, 0) > 0 && (more.revents & POLLIN) != 0 && pass_on(terminal, FdRef(STDOUT_FILENO))) {}
}

}  // namespace

Result<Fd> connect_console(const std::string& path) {
    return TRY(sys::connect_unix(path, sys::SocketType::stream), "console socket");
}

Result<void> hand_over_terminal(FdRef socket, FdRef master) {
    TRY(sys::send_message(socket, kTerminalName, {master}), "hand the terminal over to the console socket");
    return {};
}

Result<runtime::Stdio> own_stdio(unsigned preserve_fds) {
    runtime::Stdio stdio{.in = FdRef(0), .out = FdRef(1), .err = FdRef(2)};
    for (auto* standard : {&stdio.in, &stdio.out, &stdio.err}) {
        if (::fcntl(standard->raw(), F_GETFD) < 0) *standard = FdRef();
    }
    for (unsigned i = 0; i < preserve_fds; ++i) {
        const int number = kFirstPassed + static_cast<int>(i);
        if (::fcntl(number, F_GETFD) < 0) {
            return fail(Kind::invalid, "--preserve-fds {}: descriptor {} is not open", preserve_fds, number);
        }
        stdio.more.emplace_back(number);
    }
    return stdio;
}

Result<int> attend(FdRef pidfd, FdRef terminal) {
    const auto signals = TRY(Signals::take());
    const bool interactive = ::isatty(STDIN_FILENO) == 1;
    const RawTerminal raw(terminal && interactive ? FdRef(STDIN_FILENO) : FdRef());
    if (terminal && interactive) copy_size(FdRef(STDIN_FILENO), terminal);
    bool input = static_cast<bool>(terminal);
    bool output = static_cast<bool>(terminal);
    for (;;) {
        std::array<pollfd, 4> waits = {{{pidfd.raw(), POLLIN, 0},
                                        {signals.fd().raw(), POLLIN, 0},
                                        {input ? STDIN_FILENO : -1, POLLIN, 0},
                                        {output ? terminal.raw() : -1, POLLIN, 0}}};
        if (sys::retry_interrupted([&] { return ::poll(waits.data(), waits.size(), -1); }) < 0)
            return fail_errno(errno, "wait for the container");
        while (const auto signal = signals.next()) {
            if (*signal == SIGPIPE) continue;  // about our own output
            if (*signal == SIGWINCH && terminal) copy_size(FdRef(STDIN_FILENO), terminal);
            else std::ignore = sys::send_signal(pidfd, *signal);
        }
        if (waits[2].revents != 0) input = pass_on(FdRef(STDIN_FILENO), terminal);
        if (waits[3].revents != 0) output = pass_on(terminal, FdRef(STDOUT_FILENO));
        if (waits[0].revents == 0) continue;
        if (output) drain(terminal);
        return TRY(sys::wait_exit(pidfd), "the container's exit code").shell_code();
    }
}

}  // namespace diatom::oci
