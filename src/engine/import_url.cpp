// An image out of an archive on a web server: downloaded into a pipe whose other end is what import_image() reads.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "engine/engine_impl.h"
#include "image/throttle.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kPiece = 256U << 10U;

// Ends early when the reader does: then its own reason counts.
Task<void> download(std::unique_ptr<image::HttpResponse> response, Fd write_end,
                    std::shared_ptr<std::atomic<bool>> whole, image::Throttle told) {
    asio::posix::stream_descriptor pipe(co_await asio::this_coro::executor, write_end.release());
    image::Progress progress{.id = {}, .status = "Importing", .total = response->content_length().value_or(0)};
    std::string piece(kPiece, '\0');
    for (;;) {
        auto read = co_await response->read(piece);
        const auto size = CO_TRY(std::move(read));
        if (size == 0) {
            *whole = true;
            co_return Result<void>();
        }
        const auto [error, sent] =
            co_await asio::async_write(pipe, asio::buffer(piece.data(), size), asio::as_tuple(asio::use_awaitable));
        if (error) co_return Result<void>();
        progress.current += size;
        told(progress);
    }
}

}  // namespace

Task<image::Digest> EngineImpl::import_url(std::string url, NewImage options, image::ProgressSink progress) {
    using namespace asio::experimental::awaitable_operators;
    auto opened = co_await parts_.registry->download(std::move(url));
    auto response = CO_TRY(std::move(opened));
    auto [read_end, write_end] = CO_TRY(sys::make_pipe());
    CO_TRY(sys::set_nonblocking(write_end));
    const auto whole = std::make_shared<std::atomic<bool>>(false);
    auto [fed, made] =
        co_await (download(std::move(response), std::move(write_end), whole, image::Throttle(std::move(progress))) &&
                  import_from(std::move(read_end), std::move(options), whole));
    // What its reader makes of a download that broke off is not the reason.
    CO_TRY(std::move(fed));
    co_return std::move(made);
}

}  // namespace diatom::engine
