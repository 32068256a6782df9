// The event loop of PID 1: epoll, timerfd and signalfd. Thread side: one thread, the one that made it; callbacks run on
// it, one at a time, and must not block.
//
// Lack of memory cannot end it: what an event needs is allocated when it is registered, waiting and dispatching
// allocate nothing, and an exception that leaves a callback (std::bad_alloc) is logged and the loop goes on. Events are
// level-triggered: a callback that leaves data unread is called again.
#pragma once

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::proc {

class EventLoop {
public:
    // Names one registration for good: never reused, so that a late event cannot reach the wrong callback.
    enum class Watch : std::uint64_t { none = 0 };

    using Ready = std::move_only_function<void(std::uint32_t events)>;  // EPOLLIN, EPOLLHUP, …
    using Elapsed = std::move_only_function<void()>;
    using Signalled = std::move_only_function<void(const signalfd_siginfo&)>;

    static Result<std::unique_ptr<EventLoop>> create();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Borrows the descriptor: remove the watch before closing it. EPOLLERR and EPOLLHUP are always reported.
    Result<Watch> add(FdRef fd, std::uint32_t events, Ready callback);
    Result<void> change(Watch watch, std::uint32_t events);

    // Calls after `first_ns`, then every `every_ns` when that is not 0 (CLOCK_MONOTONIC). With first_ns 0 it starts
    // disarmed. Missed periods are delivered as one call. A timer that has run out stays and can be set again.
    Result<Watch> add_timer(std::int64_t first_ns, std::int64_t every_ns, Elapsed callback);
    Result<void> set_timer(Watch watch, std::int64_t first_ns, std::int64_t every_ns = 0);

    // Blocks the signals in this thread (call it before starting any other, which then inherit that) and delivers them
    // here. Equal signals that arrive close together may come as one. Programs started by spawn() have them unblocked.
    Result<Watch> add_signals(const std::vector<int>& signals, Signalled callback);

    // Safe inside any callback, the watch's own included: nothing of it is called any more. Unknown ones are ignored.
    void remove(Watch watch) noexcept;

    // Dispatches until stop(). Fails only when the kernel refuses to wait.
    Result<void> run();
    // Waits for at most `timeout_ms` (-1: for ever) and dispatches what is ready; gives the number of events.
    Result<int> run_once(int timeout_ms);
    void stop() noexcept { stopped_ = true; }  // from a callback

private:
    struct Entry {
        FdRef fd;
        Fd owned;  // a timer's or signal's descriptor
        Ready callback;
        bool removed = false;
    };

    explicit EventLoop(Fd epoll) noexcept : epoll_(std::move(epoll)) {}
    Result<Watch> insert(FdRef fd, Fd owned, std::uint32_t events, Ready callback);
    void dispatch(const epoll_event& event) noexcept;
    void sweep() noexcept;

    Fd epoll_;
    std::map<std::uint64_t, Entry> entries_;
    std::uint64_t last_ = 0;
    bool stopped_ = false;
    bool dispatching_ = false;
};

}  // namespace diatom::proc
