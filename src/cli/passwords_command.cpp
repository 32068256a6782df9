// A password that has expired is changed at the next log in, on a terminal or over SSH (configure/chosen_passwords.h):
// `choose-password` is the shell of who must, asks, and becomes the shell that they have otherwise; `diatom passwords`
// is the service that writes what they chose, for users may not. The kernel says who asks it.
#include "cli/passwords_command.h"

#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/json.h"
#include "base/strings.h"
#include "cli/command.h"
#include "configure/chosen_passwords.h"
#include "proc/become.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::cli {
namespace {

constexpr int kRequestMs = 2'000, kAnswerMs = 30'000, kTries = 3;
constexpr std::chrono::seconds kServiceStart{60};
constexpr std::size_t kMaxLine = 512;

Result<void> serve_one(FdRef client) {
    TRY(sys::set_receive_timeout(client, kRequestMs));
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(client.raw(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return fail_errno(errno, "ask who asks");
    const auto request = TRY(sys::receive_message(client));
    return sys::send_message(client, configure::answer_chooser({}, request.bytes, peer.uid));
}

Result<void> serve() {
    log::open_sink({.directory = "/run/diatom/log", .unit = "passwords", .echo = {}});
    const auto listener = TRY(sys::listen_unix(configure::kPasswordSocket, sys::SocketType::packet, 0666));
    for (;;) {
        const auto client = TRY(sys::accept_unix(listener));
        // Who is gone is not told.
        if (auto served = serve_one(client); !served) log::debug("a request", {{"error", served.error().what()}});
    }
}

// A console takes log ins before the services are up.
Result<Fd> await_service() {
    const auto end = std::chrono::steady_clock::now() + kServiceStart;
    for (;;) {
        auto service = sys::connect_unix(configure::kPasswordSocket, sys::SocketType::packet);
        if (service) return service;
        if (std::chrono::steady_clock::now() >= end)
            return fail(Kind::unavailable, "the service that takes it did not start: `diatom logs -u passwords`");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

// Root writes it without being served: the console has a root's log in also where no service runs.
Result<void> hand_in(const std::string& user, const std::string& password) {
    if (::geteuid() == 0) return configure::choose_password({}, user, password);
    const auto service = TRY(await_service());
    TRY(sys::set_receive_timeout(service, kAnswerMs));
    TRY(sys::send_message(service, dump_json({{"user", user}, {"password", password}})));
    const auto answer = TRY(parse_json(TRY(sys::receive_message(service)).bytes, "answer"));
    if (TRY(json_bool(answer, "ok"))) return {};
    return fail(Kind::invalid, "{}", TRY(json_string(answer, "error")));
}

// What is typed on the terminal, unseen. Nothing at its end.
class Unseen {
public:
    Unseen() {
        ::tcgetattr(STDIN_FILENO, &before_);
        auto hidden = before_;
        // What would end this by a key would leave the terminal as it is now.
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        hidden.c_lflag |= ICANON;
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    ~Unseen() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }
    Unseen(const Unseen&) = delete;
    Unseen& operator=(const Unseen&) = delete;

    std::optional<std::string> line() const {
        std::array<char, kMaxLine + 1> bytes{};
        const auto got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (got <= 0) return std::nullopt;
        std::string text(bytes.data(), static_cast<std::size_t>(got));
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
        return text;
    }

private:
    termios before_{};
};

std::optional<std::string> ask(const char* question) {
    const Unseen unseen;  // before the question: what is typed at once is neither shown nor dropped
    std::fputs(question, stdout);
    std::fflush(stdout);
    const auto line = unseen.line();
    std::fputs("\n", stdout);
    return line;
}

bool choose(const std::string& user) {
    std::puts("Your password has expired: choose another.");
    for (int i = 0; i < kTries; ++i) {
        const auto first = ask("New password: ");
        const auto again = first ? ask("The same again: ") : std::nullopt;
        if (!again) return false;
        if (*first != *again) {
            std::puts("They are not the same.");
            continue;
        }
        const auto done = hand_in(user, *first);
        if (done) return true;
        std::puts(std::format("It is not changed: {}.", done.error().what()).c_str());
    }
    return false;
}

// With the arguments of this one, as a log in where this was one.
int become_shell(const std::string& shell, std::span<char*> args) {
    ::setenv("SHELL", shell.c_str(), 1);
    const bool login = args[0][0] == '-';
    std::vector<std::string> words{(login ? "-" : "") + std::string(base_name(shell))};
    words.insert(words.end(), args.begin() + 1, args.end());
    const auto became = proc::become(shell, words);
    return became ? 0 : report("choose-password", became.error());
}

}  // namespace

int passwords_command(std::span<char*>) {
    const auto served = serve();
    return served ? 0 : report("passwords", served.error());
}

int choose_password_command(std::span<char*> args) {
    const char* named = std::getenv("USER");
    const auto user = configure::user_of({}, ::getuid(), named == nullptr ? "" : named);
    const auto expired = configure::read_expired({}, user);
    if (expired.must_choose) {
        if (args.size() > 1 || ::isatty(STDIN_FILENO) == 0) {
            std::fputs("Your password has expired: log in on a terminal to choose another.\n", stderr);
            return 1;
        }
        if (!choose(user)) return 1;
    }
    return become_shell(expired.shell, args);
}

}  // namespace diatom::cli
