// What the engine's coroutines need beside Asio: a detour to a worker thread (proc/on_worker.h), a lock, a signal, a
// shield from cancellation. Thread side: the loop's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <utility>

#include "base/error.h"
#include "proc/on_worker.h"

namespace diatom::engine {

namespace asio = boost::asio;

using proc::on_worker;

// Runs a coroutine to its end even if the awaiting one is cancelled: a client that goes away must not leave a container
// half started.
template <class T>
asio::awaitable<T> shielded(asio::awaitable<T> body) {
    auto executor = co_await asio::this_coro::executor;
    co_return co_await asio::co_spawn(executor, std::move(body),
                                      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
}

// Wakes whoever waits. Nothing is remembered: the waiter checks its condition, then waits. May die before its waiters.
class Signal {
public:
    explicit Signal(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void notify_all() {
        for (auto* waiter : state_->waiters) {
            waiter->notified = true;
            waiter->timer.cancel();
        }
    }

    // Until notified; cancelled when the coroutine was, timed_out after `limit`.
    asio::awaitable<Result<void>> wait(std::chrono::nanoseconds limit = kForever) {
        Waiter waiter(state_);
        if (limit == kForever) {
            waiter.timer.expires_at(asio::steady_timer::time_point::max());
        } else {
            waiter.timer.expires_after(limit);
        }
        const auto [error] = co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
        if (waiter.notified) co_return Result<void>();
        if (!error) co_return fail(Kind::timed_out, "timed out");
        co_return fail(Kind::cancelled, "cancelled");
    }

private:
    static constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();
    struct Waiter;
    struct State {
        explicit State(asio::any_io_executor e) : executor(std::move(e)) {}
        asio::any_io_executor executor;
        std::list<Waiter*> waiters;
    };
    struct Waiter {
        explicit Waiter(std::shared_ptr<State> s)
            : state(std::move(s)), timer(state->executor), place(state->waiters.insert(state->waiters.end(), this)) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { state->waiters.erase(place); }
        std::shared_ptr<State> state;
        asio::steady_timer timer;
        bool notified = false;
        std::list<Waiter*>::iterator place;
    };
    std::shared_ptr<State> state_;
};

// A lock for coroutines of one thread, first come first served. Locked only inside shielded coroutines.
class AsyncMutex {
public:
    explicit AsyncMutex(asio::any_io_executor executor) : freed_(std::move(executor)) {}

    class [[nodiscard]] Guard {
    public:
        explicit Guard(AsyncMutex* mutex) : mutex_(mutex) {}
        Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
        Guard& operator=(Guard&&) = delete;
        ~Guard() { unlock(); }
        void unlock() {
            if (auto* mutex = std::exchange(mutex_, nullptr)) mutex->release();
        }

    private:
        AsyncMutex* mutex_;
    };

    bool is_locked() const noexcept { return next_ != serving_; }

    asio::awaitable<Guard> lock() {
        const std::uint64_t ticket = next_++;
        while (serving_ != ticket) (void)co_await freed_.wait();
        co_return Guard(this);
    }

private:
    void release() {
        ++serving_;
        freed_.notify_all();
    }
    std::uint64_t next_ = 0, serving_ = 0;
    Signal freed_;
};

// How many coroutines are at something. May die before they end.
class Tally {
public:
    class [[nodiscard]] Entry {
    public:
        explicit Entry(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry() { --*count_; }

    private:
        std::shared_ptr<std::size_t> count_;
    };
    Entry enter() const { return Entry(count_); }
    std::size_t count() const noexcept { return *count_; }

private:
    std::shared_ptr<std::size_t> count_ = std::make_shared<std::size_t>(0);
};

inline asio::awaitable<void> sleep_for(std::chrono::nanoseconds duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace diatom::engine
