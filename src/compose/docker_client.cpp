#include "compose/docker_client.h"

#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/strings.h"
#include "sys/socket.h"
#include "sys/tcp.h"

namespace diatom::compose {
namespace {

constexpr std::size_t kMaxHead = 64U << 10U;
constexpr std::size_t kMaxAnswer = 64U << 20U;

// Reads one answer. Chunks are taken apart as they come.
class Reader {
public:
    explicit Reader(FdRef connection) : connection_(connection) {}

    Result<int> head() {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (buffer_.size() > kMaxHead) return fail(Kind::corrupt, "the engine's answer has no end of its head");
            if (!TRY(more())) return fail(Kind::unavailable, "the engine closed the connection without an answer");
        }
        const auto text = to_lower(std::string_view(buffer_).substr(0, end));
        const auto words = split_words(std::string_view(text).substr(0, text.find("\r\n")));
        const auto status = words.size() > 1 && words[0].starts_with("http/1.") ? parse_int(words[1]) : std::nullopt;
        if (!status) return fail(Kind::corrupt, "the engine's answer is not HTTP");
        chunked_ = text.contains("transfer-encoding: chunked");
        if (const auto at = text.find("content-length:"); at != std::string::npos) {
            const auto line = std::string_view(text).substr(at + 15);
            length_ = parse_uint(trim(line.substr(0, line.find("\r\n"))));
        }
        buffer_.erase(0, end + 4);
        has_body_ = *status >= 200 && *status != 204 && *status != 304;
        return static_cast<int>(*status);
    }

    Result<void> body(const Sink& sink) {
        if (!has_body_) return {};
        if (chunked_) return chunks(sink);
        std::size_t left = length_.value_or(SIZE_MAX);
        while (left > 0) {
            if (buffer_.empty() && !TRY(more())) return {};
            const auto part = std::string_view(buffer_).substr(0, left);
            left -= part.size();
            TRY(sink(part));
            buffer_.clear();
        }
        return {};
    }

    std::string take_rest() { return std::move(buffer_); }

private:
    Result<bool> more() {
        std::array<char, 16384> bytes{};
        ssize_t count = 0;
        do {
            count = ::read(connection_.raw(), bytes.data(), bytes.size());
        } while (count < 0 && errno == EINTR);
        if (count < 0) return fail_errno(errno, "read the engine's answer");
        buffer_.append(bytes.data(), static_cast<std::size_t>(count));
        return count > 0;
    }

    Result<void> fill(std::size_t size) {
        while (buffer_.size() < size) {
            if (!TRY(more())) return fail(Kind::unavailable, "the engine closed the connection in its answer");
        }
        return {};
    }

    Result<void> chunks(const Sink& sink) {
        for (;;) {
            std::size_t end = 0;
            while ((end = buffer_.find("\r\n")) == std::string::npos) TRY(fill(buffer_.size() + 1));
            std::size_t size = 0;
            const auto read = std::from_chars(buffer_.data(), buffer_.data() + end, size, 16);
            if (read.ec != std::errc() || size > kMaxAnswer) return fail(Kind::corrupt, "the engine sends no chunks");
            buffer_.erase(0, end + 2);
            TRY(fill(size + 2));
            if (size == 0) return {};
            TRY(sink(std::string_view(buffer_).substr(0, size)));
            buffer_.erase(0, size + 2);
        }
    }

    FdRef connection_;
    std::string buffer_;
    std::optional<std::uint64_t> length_;
    bool chunked_ = false, has_body_ = true;
};

Kind kind_of_status(int status) {
    switch (status) {
        case 400: return Kind::invalid;
        case 401: return Kind::unauthorized;
        case 403: return Kind::denied;
        case 404: return Kind::not_found;
        case 409: return Kind::conflict;
        case 501: return Kind::unsupported;
        case 503: return Kind::unavailable;
        default: return Kind::io;
    }
}

Result<std::string> read_text(Reader& reader) {
    std::string text;
    TRY(reader.body([&](std::string_view bytes) -> Result<void> {
        if (text.size() + bytes.size() > kMaxAnswer) return fail(Kind::exhausted, "the engine's answer is too large");
        text += bytes;
        return {};
    }));
    return text;
}

Failure refused(Reader& reader, int status) {
    const auto text = read_text(reader);
    const auto json = text ? parse_json(*text, "answer") : Result<Json>(Json());
    auto message = json ? json_string(*json, "message").value_or("") : std::string();
    if (message.empty()) message = std::format("the engine answers {}", status);
    return Failure(Error(kind_of_status(status), std::move(message)));
}

}  // namespace

std::string percent_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~' || c == '/';
        if (plain) out += c;
        else out += std::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

Result<Endpoint> find_endpoint(const Environment& environment) {
    const auto it = environment.find("DOCKER_HOST");
    const std::string host = it == environment.end() || it->second.empty() ? "unix:///var/run/docker.sock" : it->second;
    if (host.starts_with("unix://")) return Endpoint{.unix_path = host.substr(7)};
    const auto tls = environment.find("DOCKER_TLS_VERIFY");
    if (tls != environment.end() && !tls->second.empty()) {
        return fail(Kind::unsupported, "DOCKER_TLS_VERIFY is set: compose speaks to a local engine, or without TLS");
    }
    const auto halves = host.starts_with("tcp://") ? cut_last(std::string_view(host).substr(6), ':') : std::nullopt;
    if (!halves) {
        return fail(Kind::unsupported, "DOCKER_HOST={}: must be unix:///PATH or tcp://HOST:PORT", host);
    }
    return Endpoint{.host = std::string(halves->first), .port = std::string(halves->second)};
}

Result<Fd> Client::connect() const {
    if (endpoint_.unix_path.empty()) return sys::connect_tcp(endpoint_.host, endpoint_.port);
    auto connection = sys::connect_unix(endpoint_.unix_path, sys::SocketType::stream);
    if (!connection) {
        return fail(Kind::unavailable, "no engine answers on {} ({}): is it running? DOCKER_HOST names another one",
                    endpoint_.unix_path, connection.error().what());
    }
    return connection;
}

Result<Fd> Client::send(std::string_view method, const std::string& target, const Value& body,
                        std::string_view more) const {
    const auto text = body.is_null() ? std::string() : to_json(body, JsonStyle::compact);
    return send_bytes(method, target, body.is_null() ? "" : "application/json", text, more);
}

Result<Fd> Client::send_bytes(std::string_view method, const std::string& target, std::string_view type,
                              std::string_view bytes, std::string_view more) const {
    auto connection = TRY(connect());
    const auto kind = type.empty() ? std::string() : std::format("Content-Type: {}\r\n", type);
    TRY(sys::send_all(connection, std::format("{} /{}{} HTTP/1.1\r\nHost: localhost\r\n{}{}Content-Length: {}\r\n\r\n",
                                              method, kApiVersion, target, kind, more, bytes.size())));
    TRY(sys::send_all(connection, bytes));
    return connection;
}

Result<void> Client::put(const std::string& target, std::string_view type, std::string_view bytes) const {
    const auto connection = TRY(send_bytes("PUT", target, type, bytes, "Connection: close\r\n"));
    Reader reader(connection);
    const int status = TRY(reader.head(), "PUT {}", target);
    return status >= 400 ? Result<void>(refused(reader, status)) : Result<void>();
}

Result<void> Client::post_file(const std::string& target, std::string_view type, FdRef file, const Sink& sink) const {
    struct stat about{};
    if (::fstat(file.raw(), &about) != 0) return fail_errno(errno, "look at the file for {}", target);
    const auto connection = TRY(connect());
    TRY(sys::send_all(connection,
                      std::format("POST /{}{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nConnection: close\r\n"
                                  "Content-Length: {}\r\n\r\n",
                                  kApiVersion, target, type, about.st_size)));
    for (auto left = about.st_size; left > 0;) {
        const auto sent = ::sendfile(connection.raw(), file.raw(), nullptr, static_cast<std::size_t>(left));
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EPIPE) break;  // it has answered before it read all: the answer says why
        if (sent < 0) return fail_errno(errno, "send a file to {}", target);
        if (sent == 0) return fail(Kind::io, "the file for {} became shorter while it was sent", target);
        left -= sent;
    }
    Reader reader(connection);
    const int status = TRY(reader.head(), "POST {}", target);
    if (status >= 400) return refused(reader, status);
    return reader.body(sink);
}

Result<Json> Client::call(std::string_view method, const std::string& target, const Value& body) const {
    const auto connection = TRY(send(method, target, body, "Connection: close\r\n"));
    Reader reader(connection);
    const int status = TRY(reader.head(), "{} {}", method, target);
    if (status >= 400) return refused(reader, status);
    const auto text = TRY(read_text(reader), "{} {}", method, target);
    if (trim(text).empty()) return Json();
    return parse_json(text, "answer of the engine");
}

Result<void> Client::stream(std::string_view method, const std::string& target, const Value& body,
                            const Sink& sink) const {
    const auto connection = TRY(send(method, target, body, "Connection: close\r\n"));
    Reader reader(connection);
    const int status = TRY(reader.head(), "{} {}", method, target);
    if (status >= 400) return refused(reader, status);
    return reader.body(sink);
}

Result<Client::Hijacked> Client::hijack(const std::string& target, const Value& body) const {
    auto connection = TRY(send("POST", target, body, "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
    Reader reader(connection);
    const int status = TRY(reader.head(), "POST {}", target);
    if (status >= 400) return refused(reader, status);
    return Hijacked{std::move(connection), reader.take_rest()};
}

void Demultiplexer::feed(std::string_view bytes, const Output& output) {
    pending_ += bytes;
    std::size_t at = 0;
    while (pending_.size() - at >= 8) {
        const auto byte = [&](std::size_t i) -> std::size_t { return static_cast<unsigned char>(pending_[at + i]); };
        const std::size_t size = byte(4) << 24U | byte(5) << 16U | byte(6) << 8U | byte(7);
        if (pending_.size() - at - 8 < size) break;
        output(byte(0) == 2 ? 2 : 1, std::string_view(pending_).substr(at + 8, size));
        at += 8 + size;
    }
    pending_.erase(0, at);
}

}  // namespace diatom::compose
