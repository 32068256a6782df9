#include "image/http_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cerrno>
#include <limits>

#include "sys/file.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kConnectTime{15};
constexpr std::uint32_t kMaxResponseHead = 64U << 10U;

Failure network_error(const boost::system::error_code& error, std::string_view what, const Url& url) {
    const Kind kind = error == beast::error::timeout            ? Kind::timed_out
                      : error == asio::error::operation_aborted ? Kind::cancelled
                                                                : Kind::unavailable;
    return fail(kind, "{} {}: {}", what, url.authority(),
                error == beast::error::timeout ? "no answer in time" : error.message());
}

Result<std::shared_ptr<ssl::context>> make_context(const HttpOptions& options) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    boost::system::error_code error;
    if (options.ca_file.empty()) context->set_default_verify_paths(error);
    else context->load_verify_file(options.ca_file, error);
    if (error) return fail(Kind::invalid, "certificate authorities {}: {}", options.ca_file, error.message());
    if (!options.host_ca_directory.empty() && sys::exists(options.host_ca_directory)) {
        for (const auto& name : TRY(sys::list_dir(options.host_ca_directory))) {
            if (!name.ends_with(".crt")) continue;
            const auto path = options.host_ca_directory + "/" + name;
            context->load_verify_file(path, error);
            if (error) return fail(Kind::invalid, "certificate authority {}: {}", path, error.message());
        }
    }
    context->set_verify_mode(ssl::verify_peer, error);
    return context;
}

// Stream is beast::tcp_stream or a TLS stream over one.
template <class Stream>
class Exchange final : public HttpResponse {
public:
    Exchange(std::shared_ptr<ssl::context> context, Stream stream, HttpOptions options, Url url)
        : context_(std::move(context)), stream_(std::move(stream)), options_(std::move(options)), url_(std::move(url)) {
        parser_.body_limit(std::numeric_limits<std::uint64_t>::max());  // the caller counts
        parser_.header_limit(kMaxResponseHead);
    }

    Task<void> send(const HttpRequest& request) {
        http::request<http::string_body> message{http::string_to_verb(request.method), request.url.target, 11};
        message.set(http::field::host, request.url.authority());
        message.set(http::field::user_agent, "diatom");
        message.set(http::field::connection, "close");
        for (const auto& [name, value] : request.headers) message.set(name, value);
        message.body() = request.body;
        if (request.method != "GET" && request.method != "HEAD") message.prepare_payload();
        beast::get_lowest_layer(stream_).expires_after(options_.stall_timeout);
        if (const auto [error, size] = co_await http::async_write(stream_, message, kUse); error) {
            co_return network_error(error, "send to", url_);
        }
        if (request.method == "HEAD") parser_.skip(true);
        if (const auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser_, kUse); error) {
            co_return network_error(error, "answer of", url_);
        }
        co_return Result<void>{};
    }

    int status() const override { return parser_.get().result_int(); }
    std::string header(std::string_view name) const override {
        const auto it = parser_.get().find(name);
        return it == parser_.get().end() ? std::string() : std::string(it->value());
    }
    std::optional<std::uint64_t> content_length() const override {
        const auto length = parser_.content_length();
        return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
    }

    Task<std::size_t> read(std::span<char> out) override {
        while (!parser_.is_done()) {
            auto& body = parser_.get().body();
            body.data = out.data();
            body.size = out.size();
            beast::get_lowest_layer(stream_).expires_after(options_.stall_timeout);
            const auto [error, ignored] = co_await http::async_read_some(stream_, buffer_, parser_, kUse);
            const auto got = out.size() - body.size;
            if (error && error != http::error::need_buffer) co_return network_error(error, "download from", url_);
            if (got > 0) co_return got;
        }
        co_return std::size_t{0};
    }

private:
    std::shared_ptr<ssl::context> context_;
    Stream stream_;
    HttpOptions options_;
    Url url_;
    beast::flat_buffer buffer_{1U << 20U};
    http::response_parser<http::buffer_body> parser_;
};

Task<beast::tcp_stream> connect(std::string host, std::uint16_t port, const Url& url) {
    auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    const auto [unresolved, addresses] = co_await resolver.async_resolve(host, std::to_string(port), kUse);
    if (unresolved) co_return fail(Kind::unavailable, "look up {}: {}", host, unresolved.message());
    beast::tcp_stream stream(executor);
    stream.expires_after(kConnectTime);
    if (const auto [error, endpoint] = co_await stream.async_connect(addresses, kUse); error)
        co_return network_error(error, "connect to", url);
    boost::system::error_code ignored;
    stream.socket().set_option(tcp::no_delay(true), ignored);
    co_return std::move(stream);
}

// CONNECT through an HTTP proxy (RFC 9110, 9.3.6).
Task<void> open_tunnel(beast::tcp_stream& stream, const Url& url) {
    const auto target =
        std::format("{}:{}", url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]", url.port);
    http::request<http::empty_body> request{http::verb::connect, target, 11};
    request.set(http::field::host, target);
    stream.expires_after(kConnectTime);
    if (const auto [error, size] = co_await http::async_write(stream, request, kUse); error)
        co_return network_error(error, "ask the proxy for", url);
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    beast::flat_buffer buffer(kMaxResponseHead);
    if (const auto [error, size] = co_await http::async_read_header(stream, buffer, parser, kUse); error) {
        co_return network_error(error, "answer of the proxy for", url);
    }
    if (parser.get().result_int() / 100 != 2)
        co_return fail(Kind::unavailable, "the proxy refused {}: status {}", target, parser.get().result_int());
    co_return Result<void>{};
}

template <class Stream>
Task<std::unique_ptr<HttpResponse>> finish(std::shared_ptr<ssl::context> context, Stream stream, HttpRequest request,
                                           HttpOptions options) {
    auto exchange =
        std::make_unique<Exchange<Stream>>(std::move(context), std::move(stream), std::move(options), request.url);
    auto sent = co_await exchange->send(request);
    CO_TRY(std::move(sent));
    co_return std::unique_ptr<HttpResponse>(std::move(exchange));
}

Task<std::unique_ptr<HttpResponse>> exchange_tls(beast::tcp_stream tcp_stream, HttpRequest request,
                                                 HttpOptions options) {
    auto context = CO_TRY(make_context(options));
    beast::ssl_stream<beast::tcp_stream> stream(std::move(tcp_stream), *context);
    const Url url = request.url;
    if (SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str()) != 1)
        co_return fail(Kind::bug, "TLS server name {}", url.host);
    boost::system::error_code unset;
    stream.set_verify_callback(ssl::host_name_verification(url.host), unset);
    beast::get_lowest_layer(stream).expires_after(kConnectTime);
    if (const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kUse); error) {
        // No TLS there, or a certificate that we do not trust: trying again changes nothing.
        if (error.category() == asio::error::get_ssl_category()) {
            auto text =
                std::format("TLS handshake with {}: {}: check the registry's certificate, or list it as insecure",
                            url.authority(), error.message());
            co_return Failure(Error(Kind::unavailable, std::move(text), EPROTO));
        }
        co_return network_error(error, "TLS handshake with", url);
    }
    co_return co_await finish(std::move(context), std::move(stream), std::move(request), std::move(options));
}

}  // namespace

Task<std::string> HttpResponse::read_all(std::size_t limit) {
    std::string body;
    std::string piece(16U << 10U, '\0');
    for (;;) {
        auto read = co_await this->read(piece);
        const auto size = CO_TRY(std::move(read));
        if (size == 0) co_return body;
        if (body.size() + size > limit) co_return fail(Kind::exhausted, "the answer exceeds {} bytes", limit);
        body.append(piece, 0, size);
    }
}

Task<std::unique_ptr<HttpResponse>> http_exchange(HttpRequest request, HttpOptions options) {
    const Url url = request.url;
    Url hop = url;
    if (!options.proxy.empty()) hop = CO_TRY(Url::parse(options.proxy), "proxy");
    auto connected = co_await connect(hop.host, hop.port, hop);
    auto stream = CO_TRY(std::move(connected));
    if (!options.proxy.empty() && url.tls) {
        auto tunnelled = co_await open_tunnel(stream, url);
        CO_TRY(std::move(tunnelled));
    }
    if (url.tls) co_return co_await exchange_tls(std::move(stream), std::move(request), std::move(options));
    if (!options.proxy.empty()) request.url.target = url.text();  // a proxy wants the whole URL
    co_return co_await finish<beast::tcp_stream>(nullptr, std::move(stream), std::move(request), std::move(options));
}

}  // namespace diatom::image
