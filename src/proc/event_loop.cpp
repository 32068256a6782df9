#include "proc/event_loop.h"

#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "sys/log.h"

namespace diatom::proc {
namespace {

constexpr std::size_t kBatch = 64;             // events taken from the kernel at once
constexpr long kPauseAfterThrow = 10'000'000;  // ns: a callback that keeps failing must not take the whole processor

timespec to_timespec(std::int64_t ns) noexcept { return {ns / 1'000'000'000, ns % 1'000'000'000}; }

Result<void> arm(FdRef timer, std::int64_t first_ns, std::int64_t every_ns) {
    if (first_ns < 0 || every_ns < 0) return fail(Kind::bug, "set timer: negative time");
    const itimerspec spec{.it_interval = to_timespec(every_ns), .it_value = to_timespec(first_ns)};
    if (::timerfd_settime(timer.raw(), 0, &spec, nullptr) < 0) return fail_errno(errno, "set timer");
    return {};
}

// Says what left a callback, if there is memory to say it with.
void report(const std::exception& thrown) noexcept {
    try {
        log::error("an event callback failed", {{"error", thrown.what()}});
    } catch (...) {
        log::error("an event callback failed");
    }
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail_errno(errno, "make an event loop");
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll)));
}

Result<EventLoop::Watch> EventLoop::insert(FdRef fd, Fd owned, std::uint32_t events, Ready callback) {
    const std::uint64_t id = last_ + 1;
    try {
        entries_.try_emplace(id, Entry{.fd = fd, .owned = std::move(owned), .callback = std::move(callback)});
    } catch (const std::bad_alloc&) {
        return fail_errno(ENOMEM, "watch a descriptor");
    }
    epoll_event event{.events = events, .data = {.u64 = id}};
    if (::epoll_ctl(epoll_.raw(), EPOLL_CTL_ADD, fd.raw(), &event) < 0) {
        const int error = errno;
        entries_.erase(id);
        return fail_errno(error, "watch descriptor {}", fd.raw());
    }
    last_ = id;
    return Watch{id};
}

Result<EventLoop::Watch> EventLoop::add(FdRef fd, std::uint32_t events, Ready callback) {
    return insert(fd, Fd(), events, std::move(callback));
}

Result<void> EventLoop::change(Watch watch, std::uint32_t events) {
    const auto found = entries_.find(std::to_underlying(watch));
    if (found == entries_.end() || found->second.removed) return fail(Kind::bug, "change a watch that is removed");
    epoll_event event{.events = events, .data = {.u64 = found->first}};
    if (::epoll_ctl(epoll_.raw(), EPOLL_CTL_MOD, found->second.fd.raw(), &event) < 0) {
        return fail_errno(errno, "change the watch of descriptor {}", found->second.fd.raw());
    }
    return {};
}

Result<EventLoop::Watch> EventLoop::add_timer(std::int64_t first_ns, std::int64_t every_ns, Elapsed callback) {
    Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer) return fail_errno(errno, "make a timer");
    TRY(arm(timer, first_ns, every_ns));
    const FdRef fd = timer;
    return insert(fd, std::move(timer), EPOLLIN, [fd, callback = std::move(callback)](std::uint32_t) mutable {
        std::uint64_t count = 0;
        // A callback before this one in the batch may have set the timer anew: then there is nothing to read yet.
        if (::read(fd.raw(), &count, sizeof count) == sizeof count) callback();
    });
}

Result<void> EventLoop::set_timer(Watch watch, std::int64_t first_ns, std::int64_t every_ns) {
    const auto found = entries_.find(std::to_underlying(watch));
    if (found == entries_.end() || found->second.removed) return fail(Kind::bug, "set a timer that is removed");
    return arm(found->second.fd, first_ns, every_ns);
}

Result<EventLoop::Watch> EventLoop::add_signals(const std::vector<int>& signals, Signalled callback) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals) {
        if (::sigaddset(&set, signal) < 0) return fail_errno(errno, "watch signal {}", signal);
    }
    Fd reader(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!reader) return fail_errno(errno, "watch signals");
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
        return fail_errno(error, "block signals");
    const FdRef fd = reader;
    // One signal a call: the rest is still there when the loop comes back, or gone when the callback removed the watch.
    return insert(fd, std::move(reader), EPOLLIN, [fd, callback = std::move(callback)](std::uint32_t) mutable {
        signalfd_siginfo info{};
        if (::read(fd.raw(), &info, sizeof info) == sizeof info) callback(info);
    });
}

void EventLoop::remove(Watch watch) noexcept {
    const auto found = entries_.find(std::to_underlying(watch));
    if (found == entries_.end() || found->second.removed) return;
    ::epoll_ctl(epoll_.raw(), EPOLL_CTL_DEL, found->second.fd.raw(), nullptr);
    // The callback may be the one that runs: it is destroyed when the batch is done.
    found->second.removed = true;
    if (!dispatching_) sweep();
}

void EventLoop::sweep() noexcept {
    // What a callback owns may remove further watches when it is destroyed; those wait for the next turn of the scan.
    dispatching_ = true;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        if (!entry->second.removed) {
            ++entry;
            continue;
        }
        entries_.erase(entry);
        entry = entries_.begin();
    }
    dispatching_ = false;
}

void EventLoop::dispatch(const epoll_event& event) noexcept {
    const auto found = entries_.find(event.data.u64);
    if (found == entries_.end() || found->second.removed) return;
    try {
        found->second.callback(event.events);
        return;
    } catch (const std::exception& e) {
        report(e);
    } catch (...) {
        log::error("an event callback failed");
    }
    const timespec pause{0, kPauseAfterThrow};
    ::nanosleep(&pause, nullptr);
}

Result<int> EventLoop::run_once(int timeout_ms) {
    if (dispatching_) return fail(Kind::bug, "an event callback may not run the loop that called it");
    std::array<epoll_event, kBatch> events;
    const int count = ::epoll_wait(epoll_.raw(), events.data(), kBatch, timeout_ms);
    if (count < 0 && errno == EINTR) return 0;
    if (count < 0) return fail_errno(errno, "wait for events");
    dispatching_ = true;
    for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    sweep();
    return count;
}

Result<void> EventLoop::run() {
    stopped_ = false;
    while (!stopped_) TRY(run_once(-1));
    return {};
}

}  // namespace diatom::proc
