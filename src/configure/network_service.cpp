#include "configure/network_service.h"

#include <unistd.h>

#include <format>

#include "base/strings.h"
#include "machine/network_files.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::configure {
namespace {

constexpr const char* kEngine = "/run/diatom/system.sock";
constexpr int kAnswerMs = 120'000;               // dhcpcd is stopped, links are made
constexpr int kTries = 150, kPauseUs = 200'000;  // until a service that was started anew listens
constexpr std::size_t kMaxAnswer = 64U << 10U;   // of the engine

Result<Json> ask(std::string_view op) {
    const auto socket = TRY(sys::connect_unix(machine::NetworkFiles().control(), sys::SocketType::packet));
    TRY(sys::set_receive_timeout(socket, kAnswerMs));
    TRY(sys::send_message(socket, dump_json({{"op", op}})));
    const auto message = TRY(sys::receive_message(socket));
    if (message.bytes.empty()) return fail(Kind::unavailable, "the service of the network ended");
    auto answer = TRY(parse_json(message.bytes, "answer of the service of the network"));
    if (TRY(json_bool(answer, "ok"))) return answer;
    return fail(op == "confirm" ? Kind::not_found : Kind::io, "{}", TRY(json_string(answer, "error")));
}

Result<void> restart_service() {
    const auto engine = TRY(sys::connect_unix(kEngine, sys::SocketType::stream), "reach the system engine");
    TRY(sys::set_receive_timeout(engine, kAnswerMs));
    TRY(sys::write_all(engine,
                       "POST /containers/network/restart?t=5 HTTP/1.1\r\nHost: localhost\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n"));
    const auto answer = TRY(sys::read_all(engine, kMaxAnswer));
    const auto words = split_words(std::string_view(answer).substr(0, answer.find("\r\n")));
    if (words.size() < 2 || words[1] != "204")
        return fail(Kind::unavailable, "the system engine does not start the service `network` anew: {}",
                    words.size() < 2 ? "no answer" : words[1]);
    return {};
}

bool is_unheard(const Error& error) { return error.kind() == Kind::not_found || error.kind() == Kind::unavailable; }

}  // namespace

Result<std::vector<std::string>> reload_network() {
    auto answer = ask("reload");
    if (!answer && is_unheard(answer.error())) {
        TRY(restart_service());
        if (!sys::exists(machine::NetworkFiles().config())) return std::vector<std::string>();
        for (int i = 0; i < kTries && !answer; ++i) {
            ::usleep(kPauseUs);
            answer = ask("reload");
        }
    }
    return json_strings(TRY(std::move(answer), "the service of the network"), "problems");
}

Result<void> confirm_network() {
    TRY(ask("confirm"));
    return {};
}

}  // namespace diatom::configure
