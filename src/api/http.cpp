#include "api/http.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <format>

#include "api/version.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

constexpr std::size_t kReadSize = 32U << 10U;
constexpr std::chrono::seconds kLinger{5};

std::string_view reason(int status) {
    switch (status) {
        case 101: return "UPGRADED";
        case 200: return "OK";
        case 201: return "Created";
        case 204: return "No Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        default: return "Status";
    }
}

// What every reply says of the server, upgrades included.
std::string server_headers() {
    return std::format("Api-Version: 1.{}\r\nOstype: linux\r\nServer: Docker/{} (linux) Diatom\r\n", kMinorVersion,
                       kDockerVersion);
}

// Bodies that are too large to hold: their handlers read them piece by piece.
bool streams_body(const Request& request) {
    if (request.method == "PUT") return request.path.ends_with("/archive");
    return request.method == "POST" && (request.path == "/images/load" || request.path == "/build" ||
                                        (request.path == "/images/create" && request.query.contains("fromSrc")));
}

}  // namespace

Task<bool> Connection::fill() {
    const auto old_size = buffer_.size();
    buffer_.resize(old_size + kReadSize);
    auto got = co_await transport_->read_some(std::span(buffer_).subspan(old_size));
    buffer_.resize(old_size + got.value_or(0));
    if (!got) co_return forward_error(std::move(got));
    co_return *got > 0;
}

Task<std::string> Connection::read_exactly(std::size_t size) {
    while (buffer_.size() < size) {
        auto more = co_await fill();
        if (!CO_TRY(std::move(more))) co_return fail(Kind::invalid, "the request body ended early");
    }
    std::string bytes = buffer_.substr(0, size);
    buffer_.erase(0, size);
    co_return bytes;
}

Task<std::string> Connection::read_line() {
    std::size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
        if (buffer_.size() > kMaxHeader) co_return fail(Kind::invalid, "over-long line in a chunked body");
        auto more = co_await fill();
        if (!CO_TRY(std::move(more))) co_return fail(Kind::invalid, "the request body ended early");
    }
    std::string line(trim(std::string_view(buffer_).substr(0, end)));
    buffer_.erase(0, end + 1);
    co_return line;
}

Task<std::optional<Request>> Connection::read_request() {
    replied_ = streaming_ = expect_continue_ = false;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (buffer_.size() > kMaxHeader) co_return fail(Kind::invalid, "the request head exceeds {} bytes", kMaxHeader);
        auto more = co_await fill();
        if (CO_TRY(std::move(more))) continue;
        if (buffer_.empty()) co_return std::nullopt;
        co_return fail(Kind::invalid, "the connection ended inside a request head");
    }
    auto decoded = decode_head(std::string_view(buffer_).substr(0, end));
    buffer_.erase(0, end + 4);
    auto request = CO_TRY(std::move(decoded));
    reusable_ = request.keep_alive;
    head_only_ = request.method == "HEAD";
    expect_continue_ = to_lower(request.header("expect")) == "100-continue";

    const auto encoding = to_lower(request.header("transfer-encoding"));
    const auto length = request.header("content-length");
    if (!encoding.empty() && (encoding != "chunked" || !length.empty())) {
        co_return fail(Kind::invalid, "transfer encoding \"{}\" is not accepted here", encoding);
    }
    body_chunked_ = !encoding.empty();
    const auto size = length.empty() ? std::optional<std::uint64_t>(0) : parse_uint(length);
    if (!size) co_return fail(Kind::invalid, "malformed Content-Length");
    body_left_ = *size;
    body_done_ = !body_chunked_ && body_left_ == 0;
    if (!body_done_ && !streams_body(request)) {
        auto read = co_await read_whole_body(request);
        CO_TRY(std::move(read));
    }
    co_return std::move(request);
}

Task<void> Connection::read_whole_body(Request& request) {
    while (!body_done_) {
        auto piece = co_await read_body();
        request.body += CO_TRY(std::move(piece));
        if (request.body.size() > kMaxBody) {
            reusable_ = false;
            co_return fail(Kind::invalid, "the request body exceeds {} bytes", kMaxBody);
        }
    }
    co_return Result<void>{};
}

Task<std::string> Connection::read_body() {
    if (body_done_) co_return std::string{};
    if (std::exchange(expect_continue_, false)) {
        auto sent = co_await transport_->write("HTTP/1.1 100 Continue\r\n\r\n");
        CO_TRY(std::move(sent));
    }
    if (body_chunked_ && body_left_ == 0) {
        auto line = co_await read_line();
        const std::string text = CO_TRY(std::move(line));
        const auto size_text = std::string_view(text).substr(0, text.find(';'));
        if (size_text.empty() || size_text.size() > 8 ||
            size_text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
            co_return fail(Kind::invalid, "malformed chunk size");
        }
        body_left_ = std::stoull(std::string(size_text), nullptr, 16);
        if (body_left_ == 0) {
            for (;;) {  // trailers, ignored
                auto trailer = co_await read_line();
                if (CO_TRY(std::move(trailer)).empty()) break;
            }
            body_done_ = true;
            co_return std::string{};
        }
    }
    if (buffer_.empty()) {
        auto more = co_await fill();
        if (!CO_TRY(std::move(more))) co_return fail(Kind::invalid, "the request body ended early");
    }
    const auto size = std::min<std::uint64_t>(buffer_.size(), body_left_);
    std::string piece = buffer_.substr(0, size);
    buffer_.erase(0, size);
    body_left_ -= size;
    if (body_left_ == 0) {
        if (body_chunked_) {
            auto newline = co_await read_line();
            CO_TRY(std::move(newline));
        } else {
            body_done_ = true;
        }
    }
    co_return piece;
}

std::string Connection::head(int status, std::string_view content_type, std::string_view headers) const {
    std::string text =
        std::format("HTTP/1.1 {} {}\r\n{}Docker-Experimental: false\r\n", status, reason(status), server_headers());
    if (!content_type.empty()) text.append("Content-Type: ").append(content_type).append("\r\n");
    if (!reusable_) text += "Connection: close\r\n";
    return text.append(headers);
}

Task<void> Connection::reply(int status, std::string_view content_type, std::string_view body,
                             std::string_view headers) {
    if (!body_done_) reusable_ = false;  // an unread body would be taken for the next request
    replied_ = true;
    std::string text = head(status, content_type, headers);
    if (status != 204 && status != 304) text.append(std::format("Content-Length: {}\r\n", body.size()));
    text += "\r\n";
    if (!head_only_) text += body;
    pending_ = std::move(text);
    return transport_->write(pending_);
}

Task<void> Connection::reply_json(int status, const Json& body) {
    return reply(status, "application/json", dump_json(body) + "\n");
}

Task<void> Connection::reply_empty(int status) { return reply(status, {}, {}); }

Task<void> Connection::reply_error(const Error& error) {
    return reply_json(http_status(error.kind()), Json{{"message", error.what()}});
}

Task<void> Connection::begin_stream(int status, std::string_view content_type, std::string_view headers) {
    replied_ = streaming_ = true;
    pending_ = head(status, content_type, "Transfer-Encoding: chunked\r\n").append(headers) + "\r\n";
    return transport_->write(pending_);
}

Task<void> Connection::write_chunk(std::string_view bytes) {
    pending_ = std::format("{:x}\r\n", bytes.size());
    pending_.append(bytes).append("\r\n");
    return transport_->write(pending_);
}

Task<void> Connection::end_stream() { return transport_->write("0\r\n\r\n"); }

Task<void> Connection::hijack(const Request& request, std::string_view content_type) {
    replied_ = hijacked_ = true;
    // With an Upgrade header the client gets 101; older ones get a bare 200 on the same socket.
    pending_ = request.upgrade()
                   ? std::format("HTTP/1.1 101 UPGRADED\r\nContent-Type: {}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n",
                                 content_type)
                   : std::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\n", content_type);
    pending_ += server_headers() + "\r\n";
    return transport_->write(pending_);
}

Task<std::string> Connection::read_raw() {
    if (buffer_.empty()) {
        auto more = co_await fill();
        CO_TRY(std::move(more));
    }
    co_return std::exchange(buffer_, {});
}

Task<void> Connection::discard() {
    for (;;) {
        buffer_.clear();
        auto more = co_await fill();
        if (!CO_TRY(std::move(more))) co_return Result<void>{};
    }
}

boost::asio::awaitable<void> Connection::linger() {
    using namespace boost::asio::experimental::awaitable_operators;
    if (body_done_) co_return;
    boost::asio::steady_timer patience(co_await boost::asio::this_coro::executor, kLinger);
    co_await (discard() || patience.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable)));
}

Task<void> Connection::wait_closed() {
    // Bytes that arrive meanwhile belong to the next request; a client that sends more than a head of them is cut off.
    while (buffer_.size() <= kMaxHeader) {
        auto more = co_await fill();
        if (!CO_TRY(std::move(more))) co_return Result<void>{};
    }
    co_return Result<void>{};
}

}  // namespace diatom::api
