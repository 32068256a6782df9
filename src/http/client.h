// One HTTP exchange: plain, over TLS, or through a proxy; the body is read in pieces.
// Source: RFC 9110, RFC 9112. Thread side: the executor that it was made on. Cancelling the coroutine ends an exchange,
// but for a name that is being looked up, which the resolver's own time bounds.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::http {

template <class T>
using Task = boost::asio::awaitable<Result<T>>;

struct Url {
    bool tls = true;
    std::string host;  // without brackets
    std::uint16_t port = 443;
    std::string target = "/";  // path and query

    static Result<Url> parse(std::string_view text);
    // A Location header against the request's own URL: absolute, scheme-relative, or a path.
    Result<Url> resolve(std::string_view location) const;
    std::string authority() const;  // "host[:port]", as the Host header wants it
    std::string text() const;
};

std::string percent_encode(std::string_view text);  // for a query

struct HttpOptions {
    std::string proxy;           // "http://[USER:PASSWORD@]HOST:PORT"; empty: direct
    std::string ca_file;         // PEM; empty: the system's
    std::string host_directory;  // *.crt in it are trusted too, NAME.cert and NAME.key shown; it need not exist
    bool verify = true;          // the certificate of the server
    std::string tls_advice = "check the server's certificate";  // what to do about one that is not trusted
    std::chrono::seconds stall_timeout{60};
};
using HttpChooser = std::function<HttpOptions(const Url&)>;  // for each host that a request leads to

struct HttpRequest {
    std::string method = "GET";
    Url url;
    std::map<std::string, std::string> headers;
    std::string body;
};

// Headers are here; the body follows by read().
class HttpResponse {
public:
    virtual ~HttpResponse() = default;
    virtual int status() const = 0;
    virtual std::string header(std::string_view name) const = 0;  // empty when absent
    virtual std::optional<std::uint64_t> content_length() const = 0;
    // Up to buffer.size() bytes; 0 at the end. A connection that ends early or stalls is Kind::unavailable or
    // timed_out.
    virtual Task<std::size_t> read(std::span<char> buffer) = 0;
    // The rest of the body, `limit` bytes at most.
    Task<std::string> read_all(std::size_t limit);
};

// Connects, sends, reads the head. Redirects are the caller's business.
Task<std::unique_ptr<HttpResponse>> http_exchange(HttpRequest request, HttpOptions options);

}  // namespace diatom::http
