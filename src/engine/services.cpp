// What runs without being asked for: restart policies at the engine's start, and the machine's own services.
//
//   waiting (for its dependencies) ─> started ─> ready (healthy, ended well, or at once where neither is declared)
//   a failure at any point ─> failed: dependents that require it fail too, all others go on
#include <algorithm>

#include "base/strings.h"
#include "config/services.h"
#include "engine/engine_impl.h"
#include "engine/service_config.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

namespace {

enum class Stage : std::uint8_t { waiting, started, ready, failed };

}  // namespace

struct EngineImpl::ServiceEntry {
    config::SystemService service;
    Stage stage = Stage::waiting;
    bool completed = false;
};

struct EngineImpl::ServiceBoard {
    explicit ServiceBoard(const asio::any_io_executor& loop) : changed(loop) {}
    std::map<std::string, ServiceEntry> entries;
    Signal changed;
    bool launching = false;  // one at a time, in their order: side by side, the first is as late as the last

    void move(ServiceEntry& entry, Stage stage) {
        entry.stage = stage;
        changed.notify_all();
    }
};

Task<void> EngineImpl::start_all() {
    for (const auto& [id, live] : containers_) {
        const auto& config = live->record.config;
        const auto& state = live->record.state;
        if (live->active() || state.started == 0 || config.labels.contains(kServiceLabel)) continue;
        const bool left_alone = state.stopped_by_user && config.restart != RestartPolicy::always;
        if (!live->returning && (left_alone || !policy_wants(live->record))) continue;
        // At once "restarting", which a client that asks before it runs sees; what fails is tried again by the policy.
        live->record.state.status = Status::restarting;
        live->returning = false;
        spawn(restart_later(live, {}, ++live->restart_ticket));
    }
    if (options_.scope != Scope::system || options_.system_services.empty()) co_return Result<void>();
    co_return co_await start_services();
}

Task<void> EngineImpl::start_services() {
    auto services = CO_TRY(config::load_services(options_.system_services), "load the system's services");
    for (const auto& what : config::add_configured(services, options_.configured_services))
        log::error("a service of the configuration does not run", {{"why", what}});
    std::erase_if(services, [](const auto& s) { return !s.needs_path.empty() && !sys::exists(s.needs_path); });
    co_await remove_former_services(services);
    auto board = std::make_shared<ServiceBoard>(loop_);
    for (const auto& service : services) board->entries[service.name].service = service;
    for (const auto& service : services)
        spawn(run_service(board, service.name));  // in their order: the first is the user's
    const auto settled = [&] {
        return std::ranges::all_of(board->entries, [](const auto& e) {
            return e.second.stage == Stage::ready || e.second.stage == Stage::failed;
        });
    };
    while (!settled()) {
        auto waited = co_await board->changed.wait();
        CO_TRY(std::move(waited));
    }
    co_return Result<void>();
}

// Containers of an earlier boot, of services that are no longer there or were disabled.
asio::awaitable<void> EngineImpl::remove_former_services(const std::vector<config::SystemService>& services) {
    std::vector<LivePtr> former;
    for (const auto& [id, live] : containers_) {
        const auto& labels = live->record.config.labels;
        const auto label = labels.find(kServiceLabel);
        if (label == labels.end() || live->active()) continue;
        if (!std::ranges::contains(services, label->second, &config::SystemService::name)) former.push_back(live);
    }
    for (const auto& live : former) {
        if (auto removed = co_await remove_body(live, {.force = true, .volumes = true}); !removed)
            log::warning("the container of a former service stays",
                         {{"service", live->record.name}, {"error", removed.error().what()}});
    }
}

asio::awaitable<void> EngineImpl::run_service(std::shared_ptr<ServiceBoard> board, std::string name) {
    auto& entry = board->entries.at(name);
    auto done = co_await follow_service(board, entry);
    if (done) {
        board->move(entry, Stage::ready);
        co_await mark("container " + name + " ready");
    } else {
        // A link without a cable, a machine that is busy: the service runs, and may still get there.
        const bool slow = entry.stage == Stage::started && done.error().kind() == Kind::timed_out;
        log::write(slow ? log::Level::warning : log::Level::error,
                   slow ? "a system service runs but is not ready" : "a system service failed",
                   {{"service", name}, {"why", done.error().what()}});
        board->move(entry, Stage::failed);
    }
}

asio::awaitable<void> EngineImpl::mark(std::string what) {
    (void)co_await on_pool([&] { return parts_.supervisor.mark(what); });
}

Task<void> EngineImpl::await_dependency(std::shared_ptr<ServiceBoard> board, config::Dependency dependency) {
    const auto& other = board->entries.at(dependency.service);
    const auto met = [&] {
        switch (dependency.condition) {
            case config::Condition::started: return other.stage == Stage::started || other.stage == Stage::ready;
            case config::Condition::healthy: return other.stage == Stage::ready;
            case config::Condition::completed: return other.completed;
        }
        return false;
    };
    while (!met()) {
        if (other.stage == Stage::failed) {
            if (!dependency.required) co_return Result<void>();
            co_return fail(Kind::unavailable, "it depends on {}, which failed", dependency.service);
        }
        auto waited = co_await board->changed.wait();
        CO_TRY(std::move(waited));
    }
    co_return Result<void>();
}

// The container of an earlier boot is replaced; one that still runs (the engine was restarted) is kept.
Task<std::string> EngineImpl::ensure_service(const config::SystemService& service) {
    if (const auto known = find(service.name)) {
        const auto& live = *known;
        if (live->active() && live->record.config.labels.contains(kServiceLabel)) co_return live->record.id;
        auto removed = co_await remove_body(live, {.force = true, .volumes = true});
        CO_TRY(std::move(removed));
    }
    std::vector<std::string> missing;
    auto config = CO_TRY(service_config(service, missing));
    for (const auto& device : missing) {
        log::info("a device of a system service is not there", {{"service", service.name}, {"device", device}});
    }
    auto created = co_await create_body(service.name, std::move(config));
    CO_TRY(std::move(created));
    auto live = CO_TRY(find(service.name));
    if (service.scheduled) co_return live->record.id;
    auto started = co_await start_body(live, true);
    CO_TRY(std::move(started));
    co_await mark("container " + service.name + " started");
    co_return live->record.id;
}

Task<void> EngineImpl::follow_service(std::shared_ptr<ServiceBoard> board, ServiceEntry& entry) {
    const auto& service = entry.service;
    for (const auto& dependency : service.depends_on) {
        if (!board->entries.contains(dependency.service)) continue;  // not required, or load_services had refused it
        auto met = co_await await_dependency(board, dependency);
        CO_TRY(std::move(met));
    }
    while (board->launching) {
        auto waited = co_await board->changed.wait();
        CO_TRY(std::move(waited));
    }
    board->launching = true;
    auto id = co_await ensure_service(service);
    board->launching = false;
    board->changed.notify_all();
    CO_TRY(std::move(id));
    board->move(entry, Stage::started);
    if (service.scheduled) co_return Result<void>();
    if (service.oneshot) {
        auto ended = co_await wait(service.name, WaitCondition::not_running, {});
        const auto result = CO_TRY(std::move(ended));
        if (result.exit_code != 0) co_return fail(Kind::io, "it ended with exit code {}", result.exit_code);
        entry.completed = true;
        co_return Result<void>();
    }
    if (service.health) co_return co_await await_healthy(service);
    co_return Result<void>();
}

// Until the check has passed once. The first is one interval after the start: each is a process, and a machine that
// boots has better to do.
Task<void> EngineImpl::await_healthy(const config::SystemService& service) {
    const auto& check = *service.health;
    const std::chrono::nanoseconds interval(check.interval_ns);
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::nanoseconds(check.start_period_ns) + interval * check.retries;
    std::string last = std::format("{} has not succeeded within {} s", join(check.command, " "),
                                   check.start_period_ns / 1'000'000'000);
    do {
        co_await sleep_for(interval);
        auto live = CO_TRY(find(service.name));
        if (!live->active())
            co_return fail(Kind::io, "it ended with exit code {} before it was healthy", live->record.state.exit_code);
        auto code = co_await run_check(service);
        if (code && *code == 0) co_return Result<void>();
        if (!code) last = code.error().what();
    } while (std::chrono::steady_clock::now() < end);
    co_return fail(Kind::timed_out, "{}", last);
}

Task<int> EngineImpl::run_check(const config::SystemService& service) {
    auto created = co_await exec_create(service.name, {.cmd = service.health->command});
    const auto id = CO_TRY(std::move(created));
    const auto exec = CO_TRY(find_exec(id));
    auto client = co_await exec_start(id, false, false);
    auto attachment = CO_TRY(std::move(client));
    for (;;) {  // its output ends when it does
        auto outputs = co_await attachment->read();
        if (CO_TRY(std::move(outputs)).empty()) break;
    }
    execs_.erase(id);
    co_return exec->state.exit_code.value_or(-1);
}

}  // namespace diatom::engine
