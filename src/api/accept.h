// The loop of a listener, whatever its kind of socket. Thread side: the engine's loop.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "sys/log.h"

namespace diatom::api {

// Gives every socket that connects to `welcome`, until the acceptor is closed.
template <class Acceptor, class Welcome>
boost::asio::awaitable<void> accept_all(std::shared_ptr<Acceptor> acceptor, Welcome welcome) {
    namespace asio = boost::asio;
    constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
    constexpr std::chrono::milliseconds kPause{100};
    for (;;) {
        auto [error, socket] = co_await acceptor->async_accept(kUse);
        if (error == asio::error::operation_aborted) co_return;
        if (error) {  // out of descriptors, say: wait rather than spin
            log::warning("accept failed", {{"error", error.message()}});
            asio::steady_timer pause(acceptor->get_executor(), kPause);
            co_await pause.async_wait(kUse);
            continue;
        }
        welcome(std::move(socket));
    }
}

// Accepts for as long as the returned handle lives.
template <class Acceptor, class Welcome>
std::shared_ptr<void> start_accepting(const std::shared_ptr<Acceptor>& acceptor, Welcome welcome) {
    boost::asio::co_spawn(acceptor->get_executor(), accept_all(acceptor, std::move(welcome)), boost::asio::detached);
    return {acceptor.get(), [acceptor](void*) {
                boost::system::error_code ignored;
                acceptor->close(ignored);
            }};
}

}  // namespace diatom::api
