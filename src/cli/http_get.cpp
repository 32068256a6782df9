#include "cli/http_get.h"

#include "base/strings.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::cli {

Result<std::string> http_body(std::string_view answer) {
    const auto end = answer.find("\r\n\r\n");
    const auto words = split_words(answer.substr(0, answer.find("\r\n")));
    if (end == std::string_view::npos || words.size() < 2 || !words[0].starts_with("HTTP/1.")) {
        return fail(Kind::corrupt, "the engine's answer is not HTTP");
    }
    if (words[1] != "200") return fail(Kind::unavailable, "the engine answers {}", words[1]);
    if (to_lower(answer.substr(0, end)).contains("transfer-encoding: chunked")) {
        return fail(Kind::unsupported, "the engine answers in chunks");
    }
    return std::string(answer.substr(end + 4));
}

Result<Json> http_get(const std::string& socket, const std::string& target, int timeout_ms) {
    auto connection = sys::connect_unix(socket, sys::SocketType::stream);
    if (!connection) return fail(Kind::unavailable, "no engine answers on {}", socket);
    TRY(sys::set_receive_timeout(*connection, timeout_ms));
    TRY(sys::write_all(*connection,
                       std::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target)));
    const auto answer = TRY(sys::read_all(*connection), "read the engine's answer on {}", socket);
    const auto body = TRY(http_body(answer), "{}", socket);
    return parse_json(body, "answer of the engine");
}

}  // namespace diatom::cli
