// How a container's end is seen, recorded and answered.
#include <algorithm>

#include "engine/engine_impl.h"
#include "engine/stdio_ends.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

using std::chrono::milliseconds;

// Docker's restart manager: 100 ms, doubled each time up to a minute, and from the start again after ten good seconds.
constexpr milliseconds kFirstDelay{100}, kLongestDelay{60'000};
constexpr std::int64_t kGoodRun = 10'000'000'000;  // ns

// An orphan's status is with PID 1, which may reap it a moment after we see the end.
constexpr int kLedgerTries = 20;
constexpr milliseconds kLedgerPause{100};

}  // namespace

// False when it was closed. Asio ends a wait now and then though nothing has happened: where it keeps what it knows of
// a descriptor is used for the next one while an event of the first is still queued.
asio::awaitable<bool> EngineImpl::await_end(asio::posix::stream_descriptor& pidfd) {
    for (;;) {
        const auto [error] =
            co_await pidfd.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
        if (error) co_return false;
        if (sys::has_ended(FdRef(pidfd.native_handle()))) co_return true;
    }
}

asio::awaitable<void> EngineImpl::watch_exit(LivePtr live, std::shared_ptr<asio::posix::stream_descriptor> pidfd,
                                             sys::ProcessId process) {
    if (!co_await await_end(*pidfd)) co_return;
    const auto result = co_await exit_status(FdRef(pidfd->native_handle()), process);
    co_await on_exit(live, process, result);
    // Only now: until the exit code is in the database, an engine that is killed leaves the process to PID 1's ledger.
    std::ignore = sys::reap(FdRef(pidfd->native_handle()));
}

asio::awaitable<WaitResult> EngineImpl::exit_status(FdRef pidfd, sys::ProcessId process) {
    auto seen = sys::peek_exit(pidfd);
    if (seen && *seen) co_return WaitResult{.exit_code = (*seen)->shell_code(), .error = ""};
    for (int i = 0; i < kLedgerTries; ++i) {
        auto status = co_await on_pool([&] { return parts_.supervisor.exit_of(process); });
        if (status && *status) co_return WaitResult{.exit_code = (*status)->shell_code(), .error = ""};
        if (!status && status.error().kind() == Kind::unavailable) break;
        co_await sleep_for(kLedgerPause);
    }
    co_return WaitResult{.exit_code = 255,
                         .error = "the exit code is lost: the container ended while no engine watched it"};
}

// Frees what a run holds outside its record, but for what tells the next engine that there was a run. Safe at any point
// of a start, and more than once.
asio::awaitable<void> EngineImpl::give_back(const std::string& id, std::uint64_t* memory_kills) {
    (void)co_await on_network([&]() -> Result<void> {
        networks_.release(id);
        return {};
    });
    (void)co_await on_pool([&]() -> Result<void> {
        if (memory_kills != nullptr) *memory_kills = count_memory_kills(cgroup_of(id));
        volume_mounts_.release(id);
        return {};
    });
}

// The rest, once the record says that the run is over: an engine that is killed before it does leaves the next one all
// that it needs to find out how the run ended.
asio::awaitable<void> EngineImpl::forget_run(const std::string& id) {
    (void)co_await on_pool([&]() -> Result<void> {
        std::ignore = parts_.supervisor.forget(parked_prefix(options_, id));
        std::ignore = sys::remove_tree(run_directory(id));
        const auto cgroup = cgroup_of(id);
        if (cgroup.empty()) return {};
        if (auto removed = sys::Cgroup::remove(cgroup); !removed && removed.error().kind() != Kind::not_found) {
            log::warning("a cgroup is left behind", {{"id", id}, {"error", removed.error().what()}});
        }
        return {};
    });
}

asio::awaitable<void> EngineImpl::on_exit(LivePtr live, sys::ProcessId process, WaitResult result) {
    const auto guard = co_await live->lock.lock();
    auto& state = live->record.state;
    if (state.process != process) co_return;
    live->ending = true;
    if (const auto cgroup = cgroup_of(live->record.id); !cgroup.empty()) {
        // Without a pid namespace of its own, what it left running would live on.
        (void)co_await on_pool([&]() -> Result<void> {
            const auto group = TRY(sys::Cgroup::open(cgroup));
            return group.kill();
        });
    }
    name_service_.stop(live->record.id);  // its sockets keep the network namespace
    if (live->hub->io()) co_await live->hub->io()->finish();
    memory_watch_.remove(live->record.id);
    std::uint64_t memory_kills = 0;
    co_await give_back(live->record.id, &memory_kills);
    live->pidfd.reset();
    live->spec.reset();
    end_health(*live);
    state.finished = sys::wall_ns();
    state.exit_code = result.exit_code;
    state.error = result.error;
    live->wait_error = result.error;
    state.oom_killed = memory_kills > 0;
    state.process = {};
    const auto delay = restart_delay(*live);
    state.status = delay ? Status::restarting : Status::exited;
    if (delay) ++state.restart_count;
    endpoint_events(live->record, "disconnect");
    events_.volumes(live->record, "unmount");
    live->record.endpoints.clear();
    live->record.published.clear();
    name_service_.update(live->record);
    if (auto saved = co_await save(live); !saved) {
        log::error("a container's exit is not saved", {{"id", live->record.id}, {"error", saved.error().what()}});
    }
    co_await forget_run(live->record.id);
    if (memory_kills > std::exchange(live->memory_kills, 0)) events_.container(live->record, "oom");
    events_.container(live->record, "die",
                      {{"exitCode", std::to_string(result.exit_code)},
                       {"execDuration", std::to_string((state.finished - state.started) / 1'000'000'000)}});
    log::info("container ended",
              {{"id", live->record.id}, {"name", live->record.name}, {"exit_code", result.exit_code}});
    live->hub->end();
    if (live->log) live->log_generation = live->log->generation();
    live->log.reset();
    live->ending = false;
    ++live->exits;
    if (delay) spawn(restart_later(live, *delay, ++live->restart_ticket));
    live->changed.notify_all();
    live->logged.notify_all();
    if (!delay && live->record.config.auto_remove && !live->keep_once) remove_later(live);
}

bool policy_wants(const Container& container) {
    const auto& config = container.config;
    const auto& state = container.state;
    const bool left = config.restart_max == 0 || state.restart_count < config.restart_max;
    return config.restart == RestartPolicy::always || config.restart == RestartPolicy::unless_stopped ||
           (config.restart == RestartPolicy::on_failure && state.exit_code != 0 && left);
}

std::optional<milliseconds> EngineImpl::restart_delay(Live& live) const {
    const auto& state = live.record.state;
    if (stopping_ || state.stopped_by_user || live.removed || !policy_wants(live.record)) return std::nullopt;
    const bool good = state.finished - state.started >= kGoodRun;
    live.back_off = good || live.back_off.count() == 0 ? kFirstDelay : std::min(live.back_off * 2, kLongestDelay);
    return live.back_off;
}

asio::awaitable<void> EngineImpl::restart_later(LivePtr live, milliseconds delay, std::uint64_t ticket) {
    co_await sleep_for(delay);
    const auto guard = co_await live->lock.lock();
    auto& state = live->record.state;
    if (live->restart_ticket != ticket || state.status != Status::restarting) co_return;
    auto started = co_await start_locked(live);
    if (started) co_return;
    log::warning("a container does not start again", {{"id", live->record.id}, {"error", started.error().what()}});
    if (live->removed || state.status == Status::removing) co_return;
    // It may be for a passing reason (a port, memory): the policy holds.
    const auto again = restart_delay(*live);
    if (!again) co_return;
    ++state.restart_count;
    state.status = Status::restarting;
    (void)co_await save(live);
    spawn(restart_later(live, *again, ++live->restart_ticket));
}

}  // namespace diatom::engine
