#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "api/accept.h"
#include "api/transport.h"
#include "sys/socket.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);

class UnixTransport final : public Transport {
public:
    explicit UnixTransport(stream_protocol::socket socket) : socket_(std::move(socket)) {}

    Task<std::size_t> read_some(std::span<char> buffer) override {
        const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()), kUse);
        if (error == asio::error::eof || error == asio::error::connection_reset) co_return std::size_t{0};
        if (error) co_return fail(Kind::cancelled, "read from the client: {}", error.message());
        co_return size;
    }

    Task<void> write(std::string_view bytes) override {
        const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kUse);
        if (error) co_return fail(Kind::cancelled, "write to the client: {}", error.message());
        co_return Result<void>{};
    }

    void shutdown() noexcept override {
        boost::system::error_code ignored;
        socket_.shutdown(stream_protocol::socket::shutdown_both, ignored);
    }

private:
    stream_protocol::socket socket_;
};

}  // namespace

Result<std::shared_ptr<void>> listen_unix(const asio::any_io_executor& loop, const std::string& path,
                                          Accepted accepted) {
    auto listener = TRY(sys::listen_unix(path, sys::SocketType::stream, 0660), "listen on {}", path);
    auto acceptor = std::make_shared<stream_protocol::acceptor>(loop);
    boost::system::error_code error;
    acceptor->assign(stream_protocol(), listener.raw(), error);
    if (error) return fail(Kind::io, "listen on {}: {}", path, error.message());
    (void)listener.release();  // the acceptor owns it now
    return start_accepting(acceptor, [accepted = std::move(accepted)](stream_protocol::socket socket) {
        accepted(std::make_unique<UnixTransport>(std::move(socket)));
    });
}

}  // namespace diatom::api
