// Opening the engine: records, network, and the containers that outlived the engine before this one.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <format>
#include <set>
#include <utility>

#include "base/strings.h"
#include "engine/engine_impl.h"
#include "engine/leftovers.h"
#include "engine/log_options.h"
#include "engine/size_limit.h"
#include "engine/stdio_ends.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

std::set<std::string> to_set(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

// A pause that was cut off half-way was never acknowledged: the record counts.
Result<void> freeze_as_recorded(const std::string& cgroup, bool paused) {
    if (cgroup.empty()) return {};
    const auto group = TRY(sys::Cgroup::open(cgroup));
    const auto frozen = TRY(group.get("cgroup.freeze"));
    return (trim(frozen) == "1") == paused ? Result<void>() : group.freeze(paused);
}

}  // namespace

EngineImpl::EngineImpl(asio::any_io_executor loop, EngineOptions options, Records records,
                       std::unique_ptr<Workers> workers, Parts parts)
    : loop_(std::move(loop)),
      options_(std::move(options)),
      workers_(std::move(workers)),
      record_strand_(workers_->get_executor()),
      network_strand_(workers_->get_executor()),
      records_(std::move(records)),
      networks_(std::move(parts.network), options_.bridge),
      parts_(std::move(parts)),
      name_service_(loop_),
      memory_watch_(loop_, [this](const std::string& id) {
          if (const auto found = containers_.find(id); found != containers_.end()) spawn(memory_changed(found->second));
      }) {
    // A client or a program that closes its end is an error of that write, not the end of the engine.
    ::signal(SIGPIPE, SIG_IGN);
}

EngineImpl::~EngineImpl() {
    for (auto* pool : {parts_.bulk.get(), workers_.get()}) {
        pool->stop();
        pool->join();
    }
    // A hub and the streams of its process hold each other while it runs.
    for (const auto& [id, live] : containers_) live->hub->end();
    for (const auto& [id, exec] : execs_) exec->hub->end();
}

Result<void> EngineImpl::restore() {
    volumes_ = TRY(records_.volumes());
    // What a record that cannot be read is about is kept, too.
    Kept kept{.containers = to_set(TRY(records_.ids("containers"))), .volumes = to_set(TRY(records_.ids("volumes")))};
    std::vector<image::Store::Root> roots;
    auto unread = kept.containers;
    for (auto& record : TRY(records_.containers())) {
        unread.erase(record.id);
        const auto status = record.state.status;
        const bool stays = status != Status::removing;
        const auto add_root = [&](const std::string& name, const image::Digest& image) {
            roots.emplace_back(name, stays ? std::optional(image) : std::nullopt);
        };
        if (!record.image.empty()) add_root(record.id, record.image);
        for (const auto& use : record.images) add_root(use.rootfs, use.image);
        if (status == Status::running || status == Status::paused) kept.running.insert(record.id);
        add_live(std::move(record));
    }
    for (const auto& id : unread) roots.emplace_back(id, std::nullopt);
    remove_leftovers(options_, parts_.supervisor, kept);
    restore_logs();
    TRY(parts_.store->recover(roots), "recover the image store");
    enforce_size_limits(options_.root);
    limit_again();
    TRY(networks_.open(records_), "restore networks");
    network_records_ = networks_.records();
    for (const auto& network : network_records_) {
        if (!network.config_only) name_service_.add_network(network);
    }
    for (const auto& [id, live] : containers_) {
        if (auto restored = restore_one(live); !restored) {
            log::error("a container is not restored", {{"id", id}, {"error", restored.error().what()}});
        }
        name_service_.update(live->record);
    }
    networks_.settle();
    watch_rules();
    return {};
}

// A directory that a power cut took was made anew, without its limit.
void EngineImpl::limit_again() {
    const auto again = [](const std::string& what, const std::vector<std::string>& directories, std::uint64_t size) {
        if (auto limited = limit_size(directories, size); !limited)
            log::error("a limit of disk space is not set", {{"of", what}, {"error", limited.error().what()}});
    };
    for (const auto& [id, live] : containers_) {
        const auto size = live->record.config.storage_size;
        if (size == 0 || live->record.state.status == Status::removing) continue;
        if (const auto own = parts_.store->rootfs(id)) again(id, {own->upper, own->work}, size);
    }
    for (const auto& volume : volumes_) {
        if (const auto size = size_limit_of(volume)) again(volume.name, {volume.mountpoint}, size);
    }
}

// Before any log is opened: what the engine before this one had taken from a container, and not written yet.
void EngineImpl::restore_logs() {
    std::ignore = sys::make_dirs(options_.run, 0711);
    auto opened = LogBatch::open(parts_.supervisor, parked_batch(options_), options_.run + "/log-batch");
    if (!opened) {
        if (opened.error().kind() != Kind::unavailable) log::error("logs are not kept whole", opened.error());
        return;
    }
    log_batch_ = std::move(*opened);
    const auto open_cut = [&](const std::string& id,
                              std::optional<std::uint64_t> size) -> Result<std::unique_ptr<JsonLog>> {
        const auto found = containers_.find(id);
        if (found == containers_.end() || !found->second->active())
            return fail(Kind::not_found, "container {} does not run any more", id);
        const auto& record = found->second->record;
        const auto about = sys::stat_path(record.log_path);
        const bool longer = size && about && std::cmp_greater(about->st_size, *size);
        if (longer && ::truncate(record.log_path.c_str(), static_cast<off_t>(*size)) < 0)
            return fail_errno(errno, "cut back {}", record.log_path);
        auto log = TRY(JsonLog::open(record.log_path, record.config.log, 0, log_attributes(record)));
        log->keep_partials(run_directory(id));
        return log;
    };
    if (auto done = log_batch_->recover(open_cut); !done)
        log::warning("a container's last words are lost", {{"error", done.error().what()}});
}

Result<void> EngineImpl::restore_one(const LivePtr& live) {
    auto& state = live->record.state;
    if (state.status == Status::removing) {
        remove_later(live);
        return {};
    }
    if (state.status == Status::restarting) {
        state.status = Status::exited;  // start_all() brings it back
        live->returning = true;
        return {};
    }
    if (state.status != Status::running && state.status != Status::paused) {
        if (live->record.config.auto_remove) remove_later(live);  // its engine died between its end and its removal
        return {};
    }
    // A start time counts from the boot: only what was started in this one can be told apart by it.
    if (!sys::exists(run_directory(live->record.id) + "/spec.json")) {
        ended_with_machine(live);
        return {};
    }
    auto pidfd = sys::open_pidfd(state.process);
    if (pidfd) return adopt(live, std::move(*pidfd));
    // It ended while no engine watched.
    auto recovered = recover_streams(parts_.supervisor, parked_prefix(options_, live->record.id));
    if (auto opened = open_log(*live); !opened) log::error("a container's log cannot be opened", opened.error());
    auto io = std::make_shared<ProcessIo>(loop_, std::move(recovered), live->hub, live->log, when_logged(live), [] {});
    io->use_batch(log_batch_.get(), live->record.id);
    live->hub->begin(io);
    io->start();
    spawn([](EngineImpl* self, LivePtr ended) -> asio::awaitable<void> {
        const auto process = ended->record.state.process;
        const auto result = co_await self->exit_status(FdRef(), process);
        co_await self->on_exit(ended, process, result);
    }(this, live));
    return {};
}

// The machine went down under it. Known before anything is started, so that its restart policy is applied at once.
void EngineImpl::ended_with_machine(const LivePtr& live) {
    auto& state = live->record.state;
    state.status = Status::exited;
    state.process = {};
    state.restart_count = 0;  // that was no failure of its own
    state.exit_code = 255;
    state.finished = sys::wall_ns();
    live->record.endpoints.clear();
    live->record.published.clear();
    if (live->record.config.auto_remove) remove_later(live);
    else if (auto saved = records_.put(live->record); !saved)
        log::error("a container's end is not saved", saved.error());
}

void EngineImpl::remove_later(const LivePtr& live) {
    spawn([](EngineImpl* self, LivePtr gone) -> asio::awaitable<void> {
        auto removed = co_await self->remove_body(
            gone, {.volumes = gone->record.config.auto_remove || gone->record.state.remove_volumes});
        if (!removed)
            log::error("a container is not removed", {{"id", gone->record.id}, {"error", removed.error().what()}});
    }(this, live));
}

Result<void> EngineImpl::adopt_resolver(const Container& container) {
    if (!needs_resolver(container)) return {};
    auto netns = TRY(sys::open_path(std::format("/proc/{}/ns/net", container.state.process.pid), O_RDONLY));
    auto sockets = TRY(take_sockets(parts_.supervisor, parked_prefix(options_, container.id), netns));
    name_service_.serve(container, std::move(sockets), std::move(netns));
    return {};
}

Result<void> EngineImpl::adopt(const LivePtr& live, Fd pidfd) {
    auto streams = recover_streams(parts_.supervisor, parked_prefix(options_, live->record.id));
    if (!streams.out && !streams.terminal) {
        log::warning("a container's output is lost from here on: its streams were not kept", {{"id", live->record.id}});
    }
    TRY(open_log(*live));
    for (const auto& volume : optioned_volumes(live->record)) {
        if (auto held = volume_mounts_.hold(volume, live->record.id); !held)
            log::error("a volume is not mounted again", {{"id", live->record.id}, {"error", held.error().what()}});
    }
    const std::string parked_stdin = parked_prefix(options_, live->record.id) + "stdin";
    auto io = std::make_shared<ProcessIo>(
        loop_, std::move(streams), live->hub, live->log, when_logged(live), [this, parked_stdin] {
            asio::post(*workers_, [this, parked_stdin] { std::ignore = parts_.supervisor.forget(parked_stdin); });
        });
    io->use_batch(log_batch_.get(), live->record.id);
    live->hub->begin(io);
    io->start();
    if (auto network = networks_.adopt(live->record); !network) {
        log::error("a container's network is not restored",
                   {{"id", live->record.id}, {"error", network.error().what()}});
    }
    if (auto named = adopt_resolver(live->record); !named) {
        log::error("a container's names are not restored", {{"id", live->record.id}, {"error", named.error().what()}});
    }
    const bool paused = live->record.state.status == Status::paused;
    if (auto followed = freeze_as_recorded(cgroup_of(live->record.id), paused); !followed) {
        log::error("a container is not as its record says",
                   {{"id", live->record.id}, {"paused", paused}, {"error", followed.error().what()}});
    }
    watch(live, std::move(pidfd));
    adopt_memory(live);
    adopt_health(live);
    log::info("container adopted",
              {{"id", live->record.id}, {"name", live->record.name}, {"pid", live->record.state.process.pid}});
    return {};
}

}  // namespace diatom::engine
