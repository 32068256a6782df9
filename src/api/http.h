// HTTP/1.1 for the engine's surfaces: requests in, replies, chunked streams and hijacked connections out.
// Source: RFC 9110, RFC 9112; hijacking as Docker's API documents it (101 UPGRADED, or a raw 200).
// Thread side: the engine's loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace diatom::api {

template <class T>
using Task = boost::asio::awaitable<Result<T>>;

// A connected byte stream: Unix socket or TLS.
class Transport {
public:
    virtual ~Transport() = default;
    virtual Task<std::size_t> read_some(std::span<char> buffer) = 0;  // 0: the peer closed its side
    virtual Task<void> write(std::string_view bytes) = 0;
    virtual void shutdown() noexcept = 0;  // ends both sides; pending reads return
};

inline constexpr std::size_t kMaxHeader = 64U << 10U;  // bytes of request line and headers
inline constexpr std::size_t kMaxBody = 8U << 20U;     // bytes of a body that is read into memory

struct Request {
    std::string method;
    std::string path;                                        // decoded, without the version prefix: "/containers/json"
    int minor_version = 0;                                   // API 1.N; 0 when the path carried none
    std::map<std::string, std::string> query;                // decoded; of repeated keys the last
    std::vector<std::pair<std::string, std::string>> items;  // the same, every one, in order
    std::map<std::string, std::string> headers;              // keys in lower case
    std::string body;
    bool keep_alive = true;

    std::string param(const std::string& name, std::string fallback = {}) const;
    std::vector<std::string> params(const std::string& name) const;   // every value of a repeated key
    bool flag(const std::string& name, bool fallback = false) const;  // Docker's booleans: "", 0, false, no, none
    Result<std::optional<std::int64_t>> number(const std::string& name) const;
    std::string_view header(const std::string& name) const;
    bool upgrade() const;  // Connection: Upgrade, Upgrade: tcp
};

// The head of one request, decoded. Fuzzed: never throws, refuses what it cannot read with Kind::invalid.
Result<Request> decode_head(std::string_view head);
// "/v1.43/containers/json?all=1" -> version, path, query.
Result<void> decode_target(std::string_view target, Request& request);

int http_status(Kind kind) noexcept;  // the only translation of Kind to HTTP

// Reads requests from and writes replies to one connection.
class Connection {
public:
    explicit Connection(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}

    // The next request, body included unless streams_body(request) says that its handler reads it. Nothing at the end.
    Task<std::optional<Request>> read_request();
    // The body of a request that streams, in pieces; empty at its end.
    Task<std::string> read_body();

    Task<void> reply(int status, std::string_view content_type, std::string_view body, std::string_view headers = {});
    Task<void> reply_json(int status, const Json& body);
    Task<void> reply_empty(int status);
    Task<void> reply_error(const Error& error);

    // A chunked reply of unknown length; headers are flushed at once.
    Task<void> begin_stream(int status, std::string_view content_type, std::string_view headers = {});
    Task<void> write_chunk(std::string_view bytes);
    Task<void> end_stream();

    // From here the connection is a raw byte stream.
    Task<void> hijack(const Request& request, std::string_view content_type);
    Task<std::string> read_raw();  // empty: the peer closed its side
    Task<void> write_raw(std::string_view bytes) { return transport_->write(bytes); }

    // Before the end of a connection whose last request was answered before its body was read: takes what the peer
    // still sends until it has seen the answer, which a reset would take from it (RFC 9112, section 9.6). Five seconds
    // at most.
    boost::asio::awaitable<void> linger();

    // Returns when the peer goes away. For handlers that wait: race it against them.
    Task<void> wait_closed();

    bool replied() const noexcept { return replied_; }
    bool streaming() const noexcept { return streaming_; }
    bool reusable() const noexcept { return reusable_ && !hijacked_; }
    void shutdown() noexcept { transport_->shutdown(); }

private:
    Task<bool> fill();     // more bytes into buffer_; false: end
    Task<void> discard();  // reads on to the end
    Task<std::string> read_exactly(std::size_t size);
    Task<std::string> read_line();
    Task<void> read_whole_body(Request& request);
    std::string head(int status, std::string_view content_type, std::string_view headers) const;

    std::unique_ptr<Transport> transport_;
    std::string buffer_;   // read but not consumed
    std::string pending_;  // being written; one write at a time
    std::uint64_t body_left_ = 0;
    bool body_chunked_ = false, body_done_ = true, expect_continue_ = false;
    bool replied_ = false, streaming_ = false, reusable_ = true, hijacked_ = false, head_only_ = false;
};

}  // namespace diatom::api
