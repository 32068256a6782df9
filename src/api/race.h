// Work that must not outlive the client that asked for it. Thread side: the engine's loop.
#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "api/http.h"

namespace diatom::api {

// Runs `work`; when the client goes away first, the work is cancelled and the result is Kind::cancelled.
template <class T>
Task<T> while_connected(Connection& connection, Task<T> work) {
    using namespace boost::asio::experimental::awaitable_operators;
    auto outcome = co_await (std::move(work) || connection.wait_closed());
    if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
    co_return fail(Kind::cancelled, "the client went away");
}

}  // namespace diatom::api
