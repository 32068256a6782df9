// Archives in requests and replies: nothing of them is held in memory. Thread side: the engine's loop.
#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "api/http.h"
#include "base/fd.h"
#include "engine/engine.h"
#include "sys/socket.h"

namespace diatom::api {

// Feeds the body to `write_end`, which must not block. When the reader stops early, what is left of the body is read
// and dropped, so that the client hears the reader's own reason instead of a broken connection.
Task<void> feed_body(Connection& connection, Fd write_end);

// Runs `work`, which gets the request's body as a pipe that it owns: Task<T>(Fd).
template <class Work>
auto with_body(Connection& connection, Work work) -> decltype(work(Fd())) {
    using namespace boost::asio::experimental::awaitable_operators;
    auto [read_end, write_end] = CO_TRY(sys::make_pipe());
    CO_TRY(sys::set_nonblocking(write_end));
    auto [fed, done] = co_await (feed_body(connection, std::move(write_end)) && work(std::move(read_end)));
    CO_TRY(std::move(fed));
    co_return std::move(done);
}

// Replies with the archive. The head waits for the first piece, so that what fails before has a status.
Task<void> send_archive(Connection& connection, engine::ArchiveReader& archive, std::string headers = {});

}  // namespace diatom::api
