#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "api/accept.h"
#include "api/transport.h"
#include "sys/log.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kHandshakeTime{30};  // also of the engine, which may be starting a hundred containers

using Stream = ssl::stream<tcp::socket>;

class TlsTransport final : public Transport {
public:
    TlsTransport(std::shared_ptr<ssl::context> context, Stream stream)
        : context_(std::move(context)), stream_(std::move(stream)) {}

    Task<std::size_t> read_some(std::span<char> buffer) override {
        const auto [error, size] = co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), kUse);
        if (error == asio::error::eof || error == ssl::error::stream_truncated ||
            error == asio::error::connection_reset) {
            co_return std::size_t{0};
        }
        if (error) co_return fail(Kind::cancelled, "read from the client: {}", error.message());
        co_return size;
    }

    Task<void> write(std::string_view bytes) override {
        const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(bytes), kUse);
        if (error) co_return fail(Kind::cancelled, "write to the client: {}", error.message());
        co_return Result<void>{};
    }

    void shutdown() noexcept override {
        // A close_notify tells the client that the output is whole; then both directions end.
        SSL_shutdown(stream_.native_handle());
        boost::system::error_code ignored;
        flush_close_notify();
        stream_.next_layer().shutdown(tcp::socket::shutdown_both, ignored);
    }

private:
    // asio keeps TLS records in a memory BIO pair; what SSL_shutdown left there is sent by hand, without waiting.
    void flush_close_notify() noexcept {
        boost::system::error_code ignored;
        stream_.next_layer().non_blocking(true, ignored);
        stream_.shutdown(ignored);
    }

    std::shared_ptr<ssl::context> context_;
    Stream stream_;
};

Result<std::shared_ptr<ssl::context>> make_context(const TlsListener& options) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    boost::system::error_code error;
    context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error);
    context->use_certificate_chain_file(options.certificate, error);
    if (error) return fail(Kind::invalid, "TLS certificate {}: {}", options.certificate, error.message());
    context->use_private_key_file(options.key, ssl::context::pem, error);
    if (error) return fail(Kind::invalid, "TLS key {}: {}", options.key, error.message());
    context->load_verify_file(options.ca, error);
    if (error) return fail(Kind::invalid, "TLS certificate authority {}: {}", options.ca, error.message());
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
    return context;
}

bool hung_up(const boost::system::error_code& error) {
    return error == ssl::error::stream_truncated || error == asio::error::eof || error == asio::error::connection_reset;
}

asio::awaitable<void> welcome(std::shared_ptr<ssl::context> context, tcp::socket socket, Accepted accepted) {
    using namespace asio::experimental::awaitable_operators;
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto peer = socket.remote_endpoint(ignored).address().to_string();
    Stream stream(std::move(socket), *context);
    asio::steady_timer deadline(stream.get_executor(), kHandshakeTime);
    const auto outcome = co_await (stream.async_handshake(ssl::stream_base::server, kUse) || deadline.async_wait(kUse));
    if (outcome.index() == 1) {
        log::warning("TLS handshake took too long", {{"peer", peer}});
    } else if (const auto error = std::get<0>(std::get<0>(outcome))) {
        // One that hangs up before it has said anything asks whether the port is open: load balancers do all day.
        const auto level = hung_up(error) ? log::Level::debug : log::Level::warning;
        log::write(level, "TLS handshake failed", {{"peer", peer}, {"error", error.message()}});
    } else {
        accepted(std::make_unique<TlsTransport>(std::move(context), std::move(stream)));
    }
}

}  // namespace

Result<std::shared_ptr<void>> listen_tls(const asio::any_io_executor& loop, const TlsListener& options,
                                         Accepted accepted) {
    auto context = TRY(make_context(options));
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return fail(Kind::invalid, "listen address \"{}\": {}", options.address, error.message());
    auto acceptor = std::make_shared<tcp::acceptor>(loop);
    const tcp::endpoint endpoint(address, options.port);
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && address.is_v6()) acceptor->set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(128, error);
    if (error) return fail(Kind::io, "listen on [{}]:{}: {}", options.address, options.port, error.message());
    return start_accepting(acceptor,
                           [loop, context = std::move(context), accepted = std::move(accepted)](tcp::socket socket) {
                               asio::co_spawn(loop, welcome(context, std::move(socket), accepted), asio::detached);
                           });
}

}  // namespace diatom::api
