#include <fcntl.h>

#include <boost/asio/detached.hpp>
#include <format>

#include "engine/engine_impl.h"
#include "engine/etc_files.h"
#include "engine/health.h"
#include "engine/spec_builder.h"
#include "engine/spec_mounts.h"
#include "engine/staged_mounts.h"
#include "engine/stdio_ends.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

// What one start gathers. Destroyed before the process was let go: the process ends.
struct EngineImpl::StartUp {
    Container next;
    SpecInputs inputs;
    net::Address host_gateway;
    std::vector<Volume> volumes;  // which may have to be mounted before it can be
    runtime::Spec spec;
    StdioEnds ends;
    std::unique_ptr<Launched> launched;
    net::ResolverSockets resolver;
    Fd netns;  // where they are
    std::shared_ptr<ProcessIo> io;
    std::optional<Container> network_owner;  // whose network namespace, and so whose hosts file, it shares
    bool in_program = false;                 // the failure is the program's: 126 and 127
};

namespace {

// Of a run before this one nothing is left.
void begin_run(Container& container) {
    auto& state = container.state;
    state.status = Status::running;
    state.started = sys::wall_ns();
    state.exit_code = 0;
    state.error.clear();
    state.oom_killed = false;
    const bool checked = !probe_command(container.config.health).empty();
    state.health = {.status = checked ? HealthStatus::starting : HealthStatus::none, .log = {}, .probe = {}};
}

// Whose /dev/shm others may have, as Docker: not what a user put in its place.
bool shares_ipc(const ContainerConfig& config) {
    const auto& mode = config.ipc_mode;
    if (mode == "host" || mode.starts_with("container:")) return true;
    return mode == "shareable" && !std::ranges::contains(config.mounts, kShm, &MountPoint::target);
}

Result<void> save_spec(const std::string& directory, const runtime::Spec& spec) {
    // For exec after a restart of the engine; on tmpfs, for no container outlives the machine.
    return sys::write_file(directory + "/spec.json", dump_json(runtime::encode(spec)), 0600);
}

}  // namespace

Task<void> EngineImpl::start(std::string name) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(start_body(live, true));
}

Task<void> EngineImpl::start_body(LivePtr live, bool by_user) {
    const auto guard = co_await live->lock.lock();
    const auto status = live->record.state.status;
    if (live->removed || status == Status::removing) {
        co_return fail(Kind::conflict, "container {} is marked for removal and cannot be started", live->record.id);
    }
    if (status == Status::paused)
        co_return fail(Kind::conflict, "cannot start a paused container, try unpause instead");
    if (status == Status::running)
        co_return Failure(not_modified("container " + live->record.id + " is already running"));
    if (by_user) {
        ++live->restart_ticket;
        live->back_off = {};
        live->record.state.restart_count = 0;
        live->record.state.stopped_by_user = false;
    }
    co_return co_await start_locked(live);
}

Task<void> EngineImpl::start_locked(LivePtr live) {
    StartUp up{.next = live->record};
    auto started = co_await try_start(live, up);
    if (!started) {
        const Error error = std::move(started).error().in("failed to create task for container");
        const int code = up.in_program ? exit_code_of_failure(error) : 128;
        up.next.state.exit_code = code;
        co_await start_failed(live, up, error);
        // A wrong command is the client's error, whatever the kind was below.
        const Kind kind = code != 128 ? Kind::invalid : error.kind();
        co_return Failure(Error(kind, error.what(), error.error_number()));
    }
    events_.container(live->record, "start");
    log::info("container started",
              {{"id", live->record.id}, {"name", live->record.name}, {"pid", live->record.state.process.pid}});
    co_return Result<void>();
}

// Namespaces of other containers, which must run now.
Result<void> EngineImpl::join_namespaces(const Container& container, SpecInputs& inputs) const {
    const auto owner_of = [&](const std::string& mode, const char* name) -> Result<LivePtr> {
        if (!mode.starts_with("container:")) return LivePtr();
        auto other = TRY(find(mode.substr(10)), "failed to join {} namespace", name);
        if (other->record.state.status != Status::running) {
            return fail(Kind::io,
                        "failed to join {} namespace: cannot join {} of a non running container: {} is not running",
                        name, name, other->record.id);
        }
        return other;
    };
    const auto path_of = [](const LivePtr& owner, const char* kind) {
        return owner ? std::format("/proc/{}/ns/{}", owner->record.state.process.pid, kind) : "";
    };
    inputs.network_path = path_of(TRY(owner_of(container.config.network_mode, "network")), "net");
    inputs.pid_path = path_of(TRY(owner_of(container.config.pid_mode, "PID")), "pid");
    const auto ipc_owner = TRY(owner_of(container.config.ipc_mode, "IPC"));
    inputs.ipc_path = path_of(ipc_owner, "ipc");
    if (!ipc_owner) return {};
    if (!shares_ipc(ipc_owner->record.config)) {
        return fail(Kind::conflict,
                    "failed to join IPC namespace: container {}: non-shareable IPC (hint: use IpcMode:shareable for "
                    "the donor container)",
                    ipc_owner->record.id);
    }
    inputs.ipc_owner = ipc_owner->record.state.process;
    return {};
}

Result<void> EngineImpl::launch_worker(StartUp& up) {
    Container& next = up.next;
    const std::string run = run_directory(next.id);
    TRY(write_etc_files(next, run, up.host_gateway));
    if (up.network_owner) {
        next.hostname_path = up.network_owner->hostname_path;
        next.hosts_path = up.network_owner->hosts_path;
        next.resolv_conf_path = up.network_owner->resolv_conf_path;
    }
    if (!next.image.empty()) up.inputs.rootfs = TRY(parts_.store->rootfs(next.id));
    up.inputs.container = &next;
    for (const auto& volume : up.volumes) TRY(volume_mounts_.hold(volume, next.id));
    const auto staged =
        TRY(StagedMounts::make(next, *parts_.store, options_.run + "/staged/" + next.id, up.inputs.ipc_owner));
    up.inputs.staged = staged.sources();
    up.inputs.init_program = options_.init_program;
    up.spec = TRY(build_spec(up.inputs));
    TRY(save_spec(run, up.spec));
    auto streams = TRY(make_streams(next.config.tty, next.config.open_stdin));
    auto launched = parts_.launcher->launch(up.spec, streams.stdio());
    // A runtime that looks the program up early tells then that it is not there.
    up.in_program = !launched && launched.error().what().contains("exec: ");
    up.launched = TRY(std::move(launched));
    up.ends = std::move(streams.ours);
    up.ends.terminal = up.launched->take_terminal();
    next.state.process = up.launched->process();
    park(parts_.supervisor, parked_prefix(options_, next.id), up.ends);
    return {};
}

Task<void> EngineImpl::try_start(LivePtr live, StartUp& up) {
    const auto mode = effective_network(up.next.config.network_mode, !options_.table.empty());
    up.next.config.network_mode = up.next.config.network_mode == "default" ? mode : up.next.config.network_mode;
    CO_TRY(join_namespaces(up.next, up.inputs));
    if (mode.starts_with("container:")) up.network_owner = CO_TRY(find(mode.substr(10)))->record;
    auto networked = co_await on_network([&]() -> Result<void> {
        up.host_gateway = networks_.host_gateway();
        return networks_.prepare(up.next);
    });
    CO_TRY(std::move(networked));
    CO_TRY(follow_links(up.next));
    up.inputs.cgroup = cgroup_of(up.next.id);
    up.volumes = optioned_volumes(up.next);
    auto launched = co_await on_pool([&] { return launch_worker(up); });
    CO_TRY(std::move(launched));
    auto connected = co_await on_network([&]() -> Result<void> {
        if (up.next.config.network_mode == "host" || !up.inputs.network_path.empty()) return {};
        const auto path = std::format("/proc/{}/ns/net", up.next.state.process.pid);
        up.netns = TRY(sys::open_path(path, O_RDONLY));
        TRY(networks_.connect(up.next, up.netns));
        if (!needs_resolver(up.next)) return {};
        up.resolver = TRY(open_sockets(parts_.supervisor, parked_prefix(options_, up.next.id), up.netns));
        return {};
    });
    CO_TRY(std::move(connected));

    CO_TRY(open_log(*live));
    Fd pidfd = up.launched->take_pidfd();
    begin_run(up.next);
    auto saved = co_await on_records([&] { return records_.put(up.next); });
    CO_TRY(std::move(saved));
    const std::string parked_stdin = parked_prefix(options_, up.next.id) + "stdin";
    up.io = std::make_shared<ProcessIo>(
        loop_, std::move(up.ends), live->hub, live->log, when_logged(live), [this, parked_stdin] {
            asio::post(*workers_, [this, parked_stdin] { std::ignore = parts_.supervisor.forget(parked_stdin); });
        });
    up.io->use_batch(log_batch_.get(), up.next.id);
    live->hub->begin(up.io);
    up.io->start();
    // Its first question may come at once.
    if (up.resolver.udp) name_service_.serve(up.next, std::move(up.resolver), std::move(up.netns));
    up.netns.reset();
    auto let_go = co_await on_pool([&] { return up.launched->start(); });
    if (!let_go) {
        name_service_.stop(up.next.id);
        up.in_program = true;
        std::ignore = sys::wait_exit(pidfd);  // it has been ended: reap it
        co_return let_go;
    }
    live->record = up.next;
    live->spec = std::move(up.spec);
    name_service_.update(live->record);
    events_.volumes(live->record, "mount");
    endpoint_events(live->record, "connect");
    spawn(update_linked(live->record.id));
    watch(live, std::move(pidfd));
    begin_health(live);
    live->changed.notify_all();
    co_return Result<void>();
}

asio::awaitable<void> EngineImpl::start_failed(LivePtr live, StartUp& up, const Error& error) {
    up.launched.reset();
    up.resolver = {};
    up.netns.reset();
    if (up.io) co_await up.io->finish(std::chrono::milliseconds(100));
    co_await give_back(up.next.id, nullptr);
    live->hub->end();
    if (live->log) live->log_generation = live->log->generation();
    live->log.reset();
    live->logged.notify_all();
    auto& state = live->record.state;
    // As Docker: a container that never ran stays "created", with the exit code of the failure.
    if (state.status != Status::created) state.status = Status::exited;
    state.exit_code = up.next.state.exit_code;
    state.error = error.what();
    state.process = {};
    live->wait_error.clear();
    live->record.endpoints.clear();
    live->record.published.clear();
    if (auto saved = co_await save(live); !saved) {
        log::error("a container's state is not saved", {{"id", live->record.id}, {"error", saved.error().what()}});
    }
    co_await forget_run(live->record.id);
    ++live->exits;
    live->changed.notify_all();
    if (live->record.config.auto_remove) {
        remove_later(live);
    }
}

void EngineImpl::watch(const LivePtr& live, Fd pidfd) {
    live->pidfd = std::make_shared<asio::posix::stream_descriptor>(loop_, pidfd.release());
    spawn(watch_exit(live, live->pidfd, live->record.state.process));
    watch_memory(live);
}

void EngineImpl::spawn(asio::awaitable<void> body) { asio::co_spawn(loop_, std::move(body), asio::detached); }

}  // namespace diatom::engine
