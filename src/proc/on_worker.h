// The detour of a coroutine to a worker thread. For targets that link Boost.Asio (dep_asio); this library does not.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace diatom::proc {

// Runs `work` on `workers` (a thread pool's executor or a strand of it) and comes back to the caller's executor with
// its value. Not cancellable: work that has begun is waited for. Thread side: the loop's thread, `work` on a worker.
template <class Workers, class Work, class T = std::invoke_result_t<Work&>>
boost::asio::awaitable<T> on_worker(Workers workers, Work work) {
    namespace asio = boost::asio;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(T)>(
        [workers](auto handler, Work task) {
            auto home = asio::get_associated_executor(handler);
            asio::post(workers, [handler = std::move(handler), task = std::move(task), home]() mutable {
                T value = task();
                asio::post(home, [handler = std::move(handler), value = std::move(value)]() mutable {
                    std::move(handler)(std::move(value));
                });
            });
        },
        asio::use_awaitable, std::move(work));
}

// The same for work that can be asked to end: `cancel` is called on the loop's thread when the awaiting coroutine is
// cancelled, and the work is waited for all the same. `cancel` may be called while the work is still queued.
template <class Workers, class Work, class Cancel, class T = std::invoke_result_t<Work&>>
boost::asio::awaitable<T> on_worker(Workers workers, Work work, Cancel cancel) {
    namespace asio = boost::asio;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(T)>(
        [workers](auto handler, Work task, Cancel ask) {
            auto home = asio::get_associated_executor(handler);
            auto slot = asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) slot.assign([ask = std::move(ask)](asio::cancellation_type) mutable { ask(); });
            asio::post(workers, [handler = std::move(handler), task = std::move(task), home, slot]() mutable {
                T value = task();
                asio::post(home, [handler = std::move(handler), value = std::move(value), slot]() mutable {
                    if (slot.is_connected()) slot.clear();
                    std::move(handler)(std::move(value));
                });
            });
        },
        asio::use_awaitable, std::move(work), std::move(cancel));
}

}  // namespace diatom::proc
