#include "cli/exec_session.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <format>
#include <memory>
#include <tuple>

#include "sys/file.h"
#include "sys/tcp.h"

namespace diatom::cli {
namespace {

// Passes every key on; undone when the conversation ends.
class RawTerminal {
public:
    RawTerminal() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        auto raw = before_;
        ::cfmakeraw(&raw);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    ~RawTerminal() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

private:
    termios before_{};
    bool changed_ = false;
};

// Reads once; nothing at the end.
Result<std::string_view> read_some(FdRef fd, std::array<char, 16384>& buffer) {
    ssize_t count = 0;
    do {
        count = ::read(fd.raw(), buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0 && errno == EIO) return std::string_view();
    if (count < 0) return fail_errno(errno, "read");
    return std::string_view(buffer.data(), static_cast<std::size_t>(count));
}

class Conversation {
public:
    Conversation(FdRef connection, Terminal terminal) : connection_(connection), terminal_(terminal) {}

    Result<void> run(std::string_view early) {
        TRY(print(early));
        std::array<char, 16384> buffer{};
        bool reading = true;
        for (;;) {
            std::array<pollfd, 2> polled{pollfd{connection_.raw(), POLLIN, 0},
                                         pollfd{reading ? STDIN_FILENO : -1, POLLIN, 0}};
            if (::poll(polled.data(), polled.size(), -1) < 0) {
                if (errno == EINTR) continue;
                return fail_errno(errno, "wait for the container");
            }
            if (polled[0].revents != 0) {
                const auto bytes = TRY(read_some(connection_, buffer));
                if (bytes.empty()) return {};
                TRY(print(bytes));
            }
            if (polled[1].revents != 0) {
                const auto bytes = TRY(read_some(FdRef(STDIN_FILENO), buffer));
                reading = !bytes.empty();
                // The other side may have ended already; its last words are still read.
                const auto sent = reading ? sys::send_all(connection_, bytes) : sys::shut_down_sending(connection_);
                if (!sent) reading = false;
            }
        }
    }

private:
    Result<void> print(std::string_view bytes) {
        if (terminal_ == Terminal::yes) return sys::write_all(FdRef(STDOUT_FILENO), bytes);
        Result<void> done;
        streams_.feed(bytes, [&](int stream, std::string_view part) {
            if (done) done = sys::write_all(FdRef(stream == 2 ? STDERR_FILENO : STDOUT_FILENO), part);
        });
        return done;
    }

    FdRef connection_;
    Terminal terminal_;
    compose::Demultiplexer streams_;
};

// Makes the other terminal as large as ours. No error: a short command has ended before it is asked for.
void pass_size(const compose::Client& client, const std::string& target) {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
    std::ignore = client.call("POST", std::format("{}/resize?h={}&w={}", target, size.ws_row, size.ws_col));
}

}  // namespace

Terminal own_terminal() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 ? Terminal::yes : Terminal::no;
}

Result<int> exec_in(const compose::Client& client, const std::string& container, Value body, Attached attached,
                    Terminal terminal) {
    const bool detached = attached == Attached::no;
    for (const auto* key : {"AttachStdin", "AttachStdout", "AttachStderr"}) body.set(key, Value::of(!detached));
    body.set("Tty", Value::of(terminal == Terminal::yes));
    const auto made = TRY(client.call("POST", "/containers/" + container + "/exec", body));
    const auto exec = TRY(json_string(made, "Id"));
    auto start = Value::map();
    start.set("Detach", Value::of(detached));
    start.set("Tty", Value::of(terminal == Terminal::yes));
    if (detached) {
        TRY(client.call("POST", "/exec/" + exec + "/start", start));
        return 0;
    }
    {
        auto connection = TRY(client.hijack("/exec/" + exec + "/start", start));
        if (terminal == Terminal::yes) pass_size(client, "/exec/" + exec);
        const auto raw = terminal == Terminal::yes ? std::make_unique<RawTerminal>() : nullptr;
        TRY(Conversation(connection.connection, terminal).run(connection.early));
    }
    const auto ended = TRY(client.get("/exec/" + exec + "/json"));
    return static_cast<int>(TRY(json_int(ended, "ExitCode")));
}

// Starts it, and is its terminal until it ends; its exit code.
Result<int> run_attached(const compose::Client& client, const std::string& id, Terminal terminal) {
    // Attached before it starts, so that nothing is missed.
    auto connection = TRY(client.hijack("/containers/" + id + "/attach?stream=1&stdin=1&stdout=1&stderr=1", {}));
    TRY(client.call("POST", "/containers/" + id + "/start"));
    if (terminal == Terminal::yes) pass_size(client, "/containers/" + id);
    {
        const auto raw = terminal == Terminal::yes ? std::make_unique<RawTerminal>() : nullptr;
        TRY(Conversation(connection.connection, terminal).run(connection.early));
    }
    const auto ended = TRY(client.call("POST", "/containers/" + id + "/wait"));
    return static_cast<int>(TRY(json_int(ended, "StatusCode")));
}

}  // namespace diatom::cli
