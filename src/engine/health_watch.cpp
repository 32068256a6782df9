// The health checks of running containers: each is an exec, at its time, in the container.
//
// Its results are on tmpfs beside the container's specification, so that an engine that is started again knows them,
// and the probe that ran when its predecessor died; a status is in the database from when it changes.
#include "engine/codec.h"
#include "engine/engine_impl.h"
#include "engine/health.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

std::string file_in(const std::string& run_directory) { return run_directory + "/health.json"; }

Result<Health> load_health(const std::string& run_directory) {
    const auto text = TRY(sys::read_file(file_in(run_directory)));
    return decode_health_state(TRY(parse_json(text, "health.json")));
}

}  // namespace

void EngineImpl::begin_health(const LivePtr& live) {
    if (probe_command(live->record.config.health).empty()) return;
    spawn(watch_health(live, ++live->health_run));
}

// A container that does not run is not healthy, whatever its last check said.
void EngineImpl::end_health(Live& live) {
    ++live.health_run;
    auto& health = live.record.state.health;
    health.probe = {};
    if (health.status != HealthStatus::none) health.status = HealthStatus::unhealthy;
}

void EngineImpl::adopt_health(const LivePtr& live) {
    if (auto known = load_health(run_directory(live->record.id))) live->record.state.health = std::move(*known);
    auto& probe = live->record.state.health.probe;
    if (probe.pid != 0) std::ignore = sys::signal_session(probe, SIGKILL);  // nobody waits for it any more
    probe = {};
    begin_health(live);
}

asio::awaitable<bool> EngineImpl::health_pause(LivePtr live, std::uint64_t run, std::chrono::nanoseconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (live->health_run == run) {
        const auto left = end - std::chrono::steady_clock::now();
        if (left <= left.zero()) co_return true;
        std::ignore = co_await live->changed.wait(left);
    }
    co_return false;
}

asio::awaitable<void> EngineImpl::watch_health(LivePtr live, std::uint64_t run) {
    const auto check = *live->record.config.health;
    for (;;) {
        const auto pause = probe_interval(check, live->record.state, sys::wall_ns());
        if (!co_await health_pause(live, run, pause)) co_return;
        if (live->record.state.status != Status::running) continue;  // paused
        auto result = co_await probe_health(live, check);
        if (live->health_run != run) co_return;
        auto& state = live->record.state;
        state.health.probe = {};
        const bool changed = add_result(state, check, std::move(result));
        co_await keep_health(live);
        if (!changed || live->health_run != run) continue;
        if (auto saved = co_await save(live); !saved) {
            log::error("a container's health is not saved", {{"id", live->record.id}, {"error", saved.error().what()}});
        }
        events_.container(live->record, std::format("health_status: {}", to_string(state.health.status)));
        live->changed.notify_all();
    }
}

asio::awaitable<void> EngineImpl::keep_health(LivePtr live) {
    const auto text = dump_json(encode(live->record.state.health));
    const auto path = file_in(run_directory(live->record.id));
    (void)co_await on_pool([&] { return sys::write_file(path, text, 0600); });
}

asio::awaitable<HealthResult> EngineImpl::probe_health(LivePtr live, HealthCheck check) {
    HealthResult result{.start = sys::wall_ns(), .exit_code = -1};
    const auto failed = [&](const Error& error) {
        add_output(result.output, error.what());
        result.end = sys::wall_ns();
        return result;
    };
    auto created = co_await exec_create(live->record.id,
                                        {.cmd = probe_command(check), .attach_stdout = true, .attach_stderr = true});
    if (!created) co_return failed(created.error());
    const auto exec = *find_exec(*created);
    exec->forgotten = true;
    const auto timeout = probe_timeout(check);
    auto expired = std::make_shared<bool>(false);
    const auto end_it = [exec] {
        if (exec->state.running) std::ignore = sys::signal_session(exec->process, SIGKILL);
    };
    asio::steady_timer limit(loop_, timeout);
    limit.async_wait([expired, end_it](const boost::system::error_code& error) {
        if (error) return;
        *expired = true;
        end_it();
    });
    auto client = co_await exec_start(exec->state.id, false, false);
    if (client && exec->state.running) {
        live->record.state.health.probe = exec->process;
        co_await keep_health(live);
        if (*expired) end_it();
    }
    while (client) {
        const auto outputs = co_await (*client)->read();
        if (!outputs || outputs->empty()) break;
        for (const auto& output : *outputs) add_output(result.output, output.bytes);
    }
    limit.cancel();
    execs_.erase(exec->state.id);
    if (!client) co_return failed(client.error());
    result.end = sys::wall_ns();
    if (*expired) {
        result.output = std::format("Health check exceeded timeout ({}){}{}", duration_text(timeout),
                                    result.output.empty() ? "" : ": ", result.output);
    } else if (exec->state.pid != 0) {
        result.exit_code = exec->state.exit_code.value_or(-1);
    }
    co_return result;
}

}  // namespace diatom::engine
