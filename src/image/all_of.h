// Coroutines side by side on one executor. Thread side: the caller's executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>
#include <vector>

namespace diatom::image {

// Awaits them all; the caller's cancellation reaches each. What the first of them threw is thrown.
inline boost::asio::awaitable<void> all_of(std::vector<boost::asio::awaitable<void>> parts) {
    namespace asio = boost::asio;
    if (parts.empty()) co_return;
    const auto executor = co_await asio::this_coro::executor;
    using Part = decltype(asio::co_spawn(executor, std::move(parts.front()), asio::deferred));
    std::vector<Part> operations;
    for (auto& part : parts) operations.push_back(asio::co_spawn(executor, std::move(part), asio::deferred));
    auto [order, thrown] = co_await asio::experimental::make_parallel_group(std::move(operations))
                               .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (const auto& exception : thrown) {
        if (exception) std::rethrow_exception(exception);
    }
}

}  // namespace diatom::image
