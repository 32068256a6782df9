#include "api/archives.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace diatom::api {

namespace asio = boost::asio;

Task<void> feed_body(Connection& connection, Fd write_end) {
    asio::posix::stream_descriptor pipe(co_await asio::this_coro::executor, write_end.release());
    boost::system::error_code error;
    for (;;) {
        auto piece = co_await connection.read_body();
        const auto bytes = CO_TRY(std::move(piece));
        if (bytes.empty()) co_return Result<void>{};
        if (!error)
            co_await asio::async_write(pipe, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    }
}

Task<void> send_archive(Connection& connection, engine::ArchiveReader& archive, std::string headers) {
    for (;;) {
        auto made = co_await archive.next();
        const auto piece = CO_TRY(std::move(made));
        if (!connection.replied()) {
            auto begun = co_await connection.begin_stream(200, "application/x-tar", headers);
            CO_TRY(std::move(begun));
        }
        if (piece.empty()) co_return co_await connection.end_stream();
        auto sent = co_await connection.write_chunk(piece);
        CO_TRY(std::move(sent));
    }
}

}  // namespace diatom::api
