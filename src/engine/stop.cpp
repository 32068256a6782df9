// stop, kill, restart, pause: what reaches a running container from outside.
#include <algorithm>

#include "engine/engine_impl.h"
#include "engine/service_config.h"
#include "sys/cgroup.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr int kDefaultStopTimeout = 10;  // seconds
constexpr std::chrono::seconds kKillPatience{10};

Failure not_running(const Container& container, std::string_view what) {
    return fail(Kind::conflict, "cannot {} container: {}: container {} is not running", what, container.name,
                container.id);
}

Failure survives(const Container& container) {
    return fail(Kind::timed_out,
                "container {} did not end after SIGKILL: one of its processes may hang in the kernel (see "
                "/proc/{}/stack)",
                container.id, container.state.process.pid);
}

}  // namespace

Task<void> EngineImpl::stop(std::string name, std::optional<int> timeout_s, std::string signal) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(stop_body(live, timeout_s, std::move(signal)));
}

Task<void> EngineImpl::kill(std::string name, std::string signal) {
    auto live = CO_TRY(find(name));
    const auto number = sys::parse_signal(signal.empty() ? "SIGKILL" : signal);
    if (!number) co_return fail(Kind::invalid, "Invalid signal: {}", signal);
    // As Docker: who asked for the end finds it there.
    if (*number == SIGKILL) co_return co_await shielded(end_body(live, live->exits));
    co_return co_await shielded(kill_body(live, *number));
}

Result<void> EngineImpl::signal_live(Live& live, int signal) {
    if (!live.pidfd) return not_running(live.record, "kill");
    auto sent = sys::send_signal(FdRef(live.pidfd->native_handle()), signal);
    if (!sent && sent.error().error_number() == ESRCH) return {};  // it is ending just now
    if (sent) events_.container(live.record, "kill", {{"signal", std::to_string(signal)}});
    return sent;
}

// Until the end that is being recorded, if there is one, has its place in the record.
asio::awaitable<void> EngineImpl::await_recorded(LivePtr live) {
    // Not `while (ending && co_await …)`: GCC 14 awaits first.
    while (live->ending) {
        if (!co_await live->changed.wait()) co_return;
    }
}

Task<void> EngineImpl::kill_body(LivePtr live, int signal) {
    co_await await_recorded(live);
    if (!live->active()) co_return not_running(live->record, "kill");
    live->record.state.stopped_by_user = true;
    // The mark is durable before the signal is sent: a policy must not bring it back after a crash in between.
    if (live->record.config.restart != RestartPolicy::no) {
        auto saved = co_await save(live);
        CO_TRY(std::move(saved));
        co_await await_recorded(live);
    }
    if (live->record.state.status == Status::restarting) {
        ++live->restart_ticket;
        live->record.state.status = Status::exited;
        live->changed.notify_all();
        co_return co_await save(live);
    }
    if (!live->active()) co_return Result<void>();  // by itself, meanwhile
    CO_TRY(signal_live(*live, signal));
    if (live->record.state.status == Status::paused && signal == SIGKILL) co_return co_await pause_body(live, false);
    co_return Result<void>();
}

// SIGKILL and the end that comes of it. `exits`: as it was when the end was decided on; whoever has ended since then is
// not killed again.
Task<void> EngineImpl::end_body(LivePtr live, std::uint64_t exits) {
    if (live->exits != exits) co_return Result<void>();
    auto killed = co_await kill_body(live, SIGKILL);
    if (!killed && live->exits == exits) co_return killed;
    if (!live->active() || co_await await_exit(live, exits, kKillPatience)) co_return Result<void>();
    if (!live->ending) co_return survives(live->record);
    co_await await_recorded(live);  // it has ended: a slow disk is no reason to say otherwise
    co_return Result<void>();
}

// True once it has ended (again) since `exits` was read.
asio::awaitable<bool> EngineImpl::await_exit(LivePtr live, std::uint64_t exits,
                                             std::optional<std::chrono::nanoseconds> limit) {
    const auto end = std::chrono::steady_clock::now() + limit.value_or(std::chrono::hours(24 * 365));
    while (live->exits == exits) {
        const auto left = end - std::chrono::steady_clock::now();
        if (left <= left.zero()) co_return false;
        auto waited = co_await live->changed.wait(left);
        if (!waited && waited.error().kind() == Kind::timed_out) co_return live->exits != exits;
    }
    co_return true;
}

Task<void> EngineImpl::stop_body(LivePtr live, std::optional<int> timeout_s, std::string signal) {
    auto& state = live->record.state;
    co_await await_recorded(live);
    if (!live->active()) co_return Failure(not_modified("container " + live->record.id + " is already stopped"));
    const auto& config = live->record.config;
    if (signal.empty()) signal = config.stop_signal.empty() ? "SIGTERM" : config.stop_signal;
    const auto number = sys::parse_signal(signal);
    if (!number) co_return fail(Kind::invalid, "Invalid signal: {}", signal);
    const int seconds = timeout_s.value_or(config.stop_timeout_s.value_or(kDefaultStopTimeout));
    const auto exits = live->exits;
    if (state.status == Status::paused) {
        auto resumed = co_await pause_body(live, false);
        CO_TRY(std::move(resumed));
    }
    auto sent = co_await kill_body(live, *number);
    CO_TRY(std::move(sent));
    if (live->active()) {
        const auto limit =
            seconds < 0 ? std::nullopt : std::optional<std::chrono::nanoseconds>(std::chrono::seconds(seconds));
        if (!co_await await_exit(live, exits, limit)) {
            auto ended = co_await end_body(live, exits);
            CO_TRY(std::move(ended));
        }
    }
    events_.container(live->record, "stop");
    co_return Result<void>();
}

Task<void> EngineImpl::restart(std::string name, std::optional<int> timeout_s, std::string signal) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(restart_body(live, timeout_s, std::move(signal)));
}

Task<void> EngineImpl::restart_body(LivePtr live, std::optional<int> timeout_s, std::string signal) {
    live->keep_once = true;  // --rm: this stop is not its end
    auto stopped = co_await stop_body(live, timeout_s, std::move(signal));
    if (!stopped && !is_not_modified(stopped.error())) {
        live->keep_once = false;
        co_return stopped;
    }
    auto started = co_await start_body(live, true);
    live->keep_once = false;
    CO_TRY(std::move(started));
    events_.container(live->record, "restart");
    co_return Result<void>();
}

Task<void> EngineImpl::pause(std::string name, bool paused) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(pause_body(live, paused));
}

Task<void> EngineImpl::pause_body(LivePtr live, bool paused) {
    const auto guard = co_await live->lock.lock();
    auto& status = live->record.state.status;
    if (paused && status == Status::paused)
        co_return fail(Kind::conflict, "Container {} is already paused", live->record.id);
    if (!paused && status != Status::paused)
        co_return fail(Kind::conflict, "Container {} is not paused", live->record.id);
    if (paused && status != Status::running)
        co_return fail(Kind::conflict, "Container {} is not running", live->record.id);
    const auto cgroup = cgroup_of(live->record.id);
    if (cgroup.empty())
        co_return fail(Kind::unsupported, "pause needs cgroup version 2, which this engine runs without");
    auto frozen = co_await on_pool([&]() -> Result<void> {
        const auto group = TRY(sys::Cgroup::open(cgroup));
        return group.freeze(paused);
    });
    CO_TRY(std::move(frozen));
    status = paused ? Status::paused : Status::running;
    auto saved = co_await save(live);
    CO_TRY(std::move(saved));
    events_.container(live->record, paused ? "pause" : "unpause");
    live->changed.notify_all();
    co_return Result<void>();
}

// First those that must end other things before they end (the user engine its containers, which need the network), then
// the rest, each time all at once.
Task<void> EngineImpl::stop_all(int timeout_s) {
    stopping_ = true;
    for (const bool first : {true, false}) {
        std::vector<std::pair<LivePtr, std::string>> wave;
        for (const auto& [id, live] : containers_) {
            const auto& labels = live->record.config.labels;
            const auto signal = labels.find(kShutdownSignalLabel);
            if (live->active() && first == (signal != labels.end()))
                wave.emplace_back(live, first ? signal->second : "");
        }
        co_await stop_wave(std::move(wave), timeout_s);
    }
    co_return Result<void>();
}

asio::awaitable<void> EngineImpl::stop_wave(std::vector<std::pair<LivePtr, std::string>> wave, int timeout_s) {
    auto left = std::make_shared<std::size_t>(wave.size());
    auto done = std::make_shared<Signal>(loop_);
    for (const auto& [live, signal] : wave) {
        const int limit = std::max(timeout_s, live->record.config.stop_timeout_s.value_or(0));
        asio::co_spawn(loop_, stop_body(live, limit, signal),
                       [left, done, id = live->record.id](const std::exception_ptr&, const Result<void>& stopped) {
                           if (!stopped && !is_not_modified(stopped.error())) {
                               log::error("a container did not stop", {{"id", id}, {"error", stopped.error().what()}});
                           }
                           --*left;
                           done->notify_all();
                       });
    }
    while (*left > 0) (void)co_await done->wait();
}

}  // namespace diatom::engine
