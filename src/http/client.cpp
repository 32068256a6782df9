#include "http/client.h"

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

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
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

// Of a host's directory: *.crt are authorities, NAME.cert and NAME.key what we show.
Result<void> load_host_directory(ssl::context& context, const std::string& directory) {
    if (directory.empty() || !sys::exists(directory)) return {};
    boost::system::error_code error;
    for (const auto& name : TRY(sys::list_dir(directory))) {
        const auto path = directory + "/" + name;
        if (name.ends_with(".crt")) {
            context.load_verify_file(path, error);
            if (error) return fail(Kind::invalid, "certificate authority {}: {}", path, error.message());
        } else if (name.ends_with(".cert")) {
            const auto key = path.substr(0, path.size() - std::string_view("cert").size()) + "key";
            context.use_certificate_chain_file(path, error);
            if (error) return fail(Kind::invalid, "client certificate {}: {}", path, error.message());
            context.use_private_key_file(key, ssl::context::pem, error);
            if (error) return fail(Kind::invalid, "key of the client certificate, {}: {}", key, error.message());
        }
    }
    return {};
}

Result<std::shared_ptr<ssl::context>> make_context(const HttpOptions& options) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    boost::system::error_code error;
    if (options.ca_file.empty()) context->set_default_verify_paths(error);
    else context->load_verify_file(options.ca_file, error);
    if (error) return fail(Kind::invalid, "certificate authorities {}: {}", options.ca_file, error.message());
    TRY(load_host_directory(*context, options.host_directory));
    context->set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none, error);
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
        wire::request<wire::string_body> message{wire::string_to_verb(request.method), request.url.target, 11};
        message.set(wire::field::host, request.url.authority());
        message.set(wire::field::user_agent, "diatom");
        message.set(wire::field::connection, "close");
        for (const auto& [name, value] : request.headers) message.set(name, value);
        message.body() = request.body;
        if (request.method != "GET" && request.method != "HEAD") message.prepare_payload();
        beast::get_lowest_layer(stream_).expires_after(options_.stall_timeout);
        if (const auto [error, size] = co_await wire::async_write(stream_, message, kUse); error) {
            co_return network_error(error, "send to", url_);
        }
        if (request.method == "HEAD") parser_.skip(true);
        if (const auto [error, size] = co_await wire::async_read_header(stream_, buffer_, parser_, kUse); error) {
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
            const auto [error, ignored] = co_await wire::async_read_some(stream_, buffer_, parser_, kUse);
            const auto got = out.size() - body.size;
            if (error && error != wire::error::need_buffer) co_return network_error(error, "download from", url_);
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
    wire::response_parser<wire::buffer_body> parser_;
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

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%40" to "@" (RFC 3986, 2.1); what is malformed stays as it is.
std::string decode_percent(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped =
            text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (!escaped) {
            decoded += text[i];
            continue;
        }
        decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
        i += 2;
    }
    return decoded;
}

// "http://[USER:PASSWORD@]HOST:PORT", or without the scheme.
struct Proxy {
    Url url;
    std::string authorization;  // empty: none
};
Result<Proxy> parse_proxy(const std::string& text) {
    std::string scheme = "http://", rest = text;
    if (const auto end = text.find("://"); end != std::string::npos) {
        scheme = text.substr(0, end + 3);
        rest = text.substr(end + 3);
    }
    Proxy proxy;
    // Taken off first, so that no error tells the password.
    if (const auto at = rest.substr(0, rest.find('/')).rfind('@'); at != std::string::npos) {
        proxy.authorization = "Basic " + encode_base64(decode_percent(rest.substr(0, at)));
        rest.erase(0, at + 1);
    }
    proxy.url = TRY(Url::parse(scheme + rest), "proxy");
    if (proxy.url.tls) return fail(Kind::unsupported, "proxy {}: a proxy is spoken to over http", proxy.url.text());
    return proxy;
}

// CONNECT through an HTTP proxy (RFC 9110, 9.3.6).
Task<void> open_tunnel(beast::tcp_stream& stream, const Url& url, std::string authorization) {
    const auto target =
        std::format("{}:{}", url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]", url.port);
    wire::request<wire::empty_body> request{wire::verb::connect, target, 11};
    request.set(wire::field::host, target);
    if (!authorization.empty()) request.set(wire::field::proxy_authorization, authorization);
    stream.expires_after(kConnectTime);
    if (const auto [error, size] = co_await wire::async_write(stream, request, kUse); error)
        co_return network_error(error, "ask the proxy for", url);
    wire::response_parser<wire::empty_body> parser;
    parser.skip(true);
    beast::flat_buffer buffer(kMaxResponseHead);
    if (const auto [error, size] = co_await wire::async_read_header(stream, buffer, parser, kUse); error) {
        co_return network_error(error, "answer of the proxy for", url);
    }
    if (parser.get().result_int() == 407)
        co_return fail(Kind::denied, "the proxy wants other credentials for {}: give it as http://USER:PASSWORD@HOST",
                       target);
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
    if (options.verify) stream.set_verify_callback(ssl::host_name_verification(url.host), unset);
    beast::get_lowest_layer(stream).expires_after(kConnectTime);
    if (const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kUse); error) {
        // No TLS there, or a certificate that we do not trust: trying again changes nothing.
        if (error.category() == asio::error::get_ssl_category()) {
            auto text =
                std::format("TLS handshake with {}: {}: {}", url.authority(), error.message(), options.tls_advice);
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
    Proxy proxy{.url = url, .authorization = {}};
    if (!options.proxy.empty()) proxy = CO_TRY(parse_proxy(options.proxy));
    auto connected = co_await connect(proxy.url.host, proxy.url.port, proxy.url);
    auto stream = CO_TRY(std::move(connected));
    if (!options.proxy.empty() && url.tls) {
        auto tunnelled = co_await open_tunnel(stream, url, std::move(proxy.authorization));
        CO_TRY(std::move(tunnelled));
    }
    if (url.tls) co_return co_await exchange_tls(std::move(stream), std::move(request), std::move(options));
    if (!options.proxy.empty()) {
        request.url.target = url.text();  // a proxy wants the whole URL
        if (!proxy.authorization.empty()) request.headers["Proxy-Authorization"] = std::move(proxy.authorization);
    }
    co_return co_await finish<beast::tcp_stream>(nullptr, std::move(stream), std::move(request), std::move(options));
}

}  // namespace diatom::http
