// What can be asked of the engine: finding, inspecting, waiting, logs, attachments.
#include <algorithm>
#include <cerrno>
#include <format>

#include "engine/container_stats.h"
#include "engine/engine_impl.h"
#include "engine/log_cursor.h"
#include "engine/log_options.h"
#include "engine/names.h"
#include "engine/process_list.h"
#include "sys/clock.h"

namespace diatom::engine {
namespace {

Output to_output(LogEntry entry, bool details) {
    if (details) entry.text.insert(0, log_details(entry.attributes));
    return {.stream = entry.stream == LogStream::err ? Output::Stream::err : Output::Stream::out,
            .time = entry.time,
            .bytes = std::move(entry.text)};
}

class LiveLogReader final : public LogReader {
public:
    using Pool = EngineImpl::Workers::executor_type;
    LiveLogReader(LivePtr live, LogCursor cursor, LogQuery query, Pool pool)
        : live_(std::move(live)), cursor_(std::move(cursor)), query_(query), pool_(std::move(pool)) {}

    Task<Outputs> next() override {
        for (;;) {
            // Read before the entries: what is written after this is found by the next round.
            const bool ended = !live_->log;
            Outputs lines;
            auto read = take(lines);
            if (!lines.empty()) co_return lines;  // what went wrong after them goes wrong again
            if (!read && cursor_.copies().wanting()) {
                auto made = co_await on_worker(pool_, [this] { return cursor_.copies().make(); });
                CO_TRY(std::move(made));
                continue;
            }
            CO_TRY(std::move(read));
            if (past_ || !query_.follow || ended) co_return Outputs();
            if (query_.until != 0 && sys::wall_ns() >= query_.until) co_return Outputs();
            auto waited = query_.until == 0
                              ? co_await live_->logged.wait()
                              : co_await live_->logged.wait(std::chrono::nanoseconds(query_.until - sys::wall_ns()));
            if (!waited && waited.error().kind() != Kind::timed_out) co_return Failure(std::move(waited).error());
        }
    }

private:
    // What is wanted of the entries that are there.
    Result<void> take(Outputs& lines) {
        for (std::size_t taken = 0; taken < kOutputsTogether && !past_;) {
            auto entry = TRY(cursor_.next(live_->log ? live_->log->generation() : live_->log_generation));
            if (!entry) break;
            past_ = query_.until != 0 && entry->time > query_.until;
            if (past_ || entry->time < query_.since || !(entry->stream == LogStream::err ? query_.err : query_.out))
                continue;
            lines.push_back(to_output(std::move(*entry), query_.details));
            taken += lines.back().footprint();
        }
        return {};
    }

    LivePtr live_;
    LogCursor cursor_;
    LogQuery query_;
    Pool pool_;
    bool past_ = false;  // the query's end has been seen
};

// First what was logged, then what comes.
class ReplayingAttachment final : public Attachment {
public:
    ReplayingAttachment(std::unique_ptr<LogReader> log, std::unique_ptr<Attachment> stream)
        : log_(std::move(log)), stream_(std::move(stream)) {}
    bool tty() const override { return stream_->tty(); }
    Task<Outputs> read() override {
        if (log_) {
            auto lines = co_await log_->next();
            if (!lines || !lines->empty()) co_return lines;
            log_.reset();
        }
        co_return co_await stream_->read();
    }
    Task<void> write(std::string bytes) override { return stream_->write(std::move(bytes)); }
    Task<void> close_stdin() override { return stream_->close_stdin(); }

private:
    std::unique_ptr<LogReader> log_;
    std::unique_ptr<Attachment> stream_;
};

}  // namespace

Error not_modified(std::string what) { return Error(Kind::conflict, std::move(what), EALREADY); }
bool is_not_modified(const Error& error) { return error.kind() == Kind::conflict && error.error_number() == EALREADY; }

Result<LivePtr> EngineImpl::find(const std::string& name) const {
    const std::string wanted = name.starts_with('/') ? name.substr(1) : name;
    if (const auto exact = containers_.find(wanted); exact != containers_.end()) return exact->second;
    if (const auto named = names_.find(wanted); named != names_.end()) {
        if (const auto live = containers_.find(named->second); live != containers_.end()) return live->second;
    }
    if (is_id_prefix(wanted)) {
        const auto first = containers_.lower_bound(wanted);
        if (first != containers_.end() && first->first.starts_with(wanted)) {
            const auto second = std::next(first);
            if (second == containers_.end() || !second->first.starts_with(wanted)) return first->second;
            return fail(Kind::invalid, "Multiple IDs found with provided prefix: {}", wanted);
        }
    }
    return fail(Kind::not_found, "No such container: {}", name);
}

std::string EngineImpl::cgroup_of(const std::string& id) const {
    if (options_.cgroup.empty()) return {};
    const auto known = containers_.find(id);
    const auto& parent = known == containers_.end() ? std::string() : known->second->record.config.cgroup_parent;
    return options_.cgroup + (parent.empty() ? "/" : "/" + parent + "/") + id;
}

Result<Container> EngineImpl::inspect(const std::string& name) { return TRY(find(name))->record; }

ContainerList EngineImpl::containers() {
    ContainerList::Elements list;
    list.reserve(containers_.size());
    for (const auto& [id, live] : containers_) list.emplace_back(live, &live->record);
    std::ranges::stable_sort(list, std::greater<>(), [](const auto& element) { return element->created; });
    return ContainerList(std::move(list));
}

Task<WaitResult> EngineImpl::wait(std::string name, WaitCondition condition, std::function<void()> armed) {
    auto live = CO_TRY(find(name));
    const auto exits = live->exits;
    const bool at_once = condition == WaitCondition::not_running && !live->active();
    if (armed) armed();
    while (!at_once && !live->removed && (condition == WaitCondition::removed || live->exits == exits)) {
        auto waited = co_await live->changed.wait();
        CO_TRY(std::move(waited));
    }
    co_return WaitResult{.exit_code = live->record.state.exit_code, .error = live->wait_error};
}

Task<void> EngineImpl::resize(std::string name, unsigned short rows, unsigned short columns) {
    auto live = CO_TRY(find(name));
    if (!live->hub->io())
        co_return fail(Kind::conflict, "cannot resize a stopped container: container {} is not running",
                       live->record.id);
    CO_TRY(live->hub->io()->resize(rows, columns));
    events_.container(live->record, "resize", {{"height", std::to_string(rows)}, {"width", std::to_string(columns)}});
    co_return Result<void>();
}

Task<std::unique_ptr<Attachment>> EngineImpl::attach(std::string name, AttachOptions options) {
    auto live = CO_TRY(find(name));
    if (live->record.state.status == Status::paused) {
        co_return fail(Kind::conflict, "container {} is paused, unpause the container before attach", live->record.id);
    }
    options.in = options.in && live->record.config.open_stdin;
    auto stream = live->hub->attach(options);
    events_.container(live->record, "attach");
    if (!options.logs) co_return stream;
    auto log = co_await logs(live->record.id, {.out = options.out, .err = options.err, .until = sys::wall_ns()});
    if (!log) co_return Failure(std::move(log).error());
    co_return std::make_unique<ReplayingAttachment>(std::move(*log), std::move(stream));
}

Task<std::unique_ptr<LogReader>> EngineImpl::logs(std::string name, LogQuery query) {
    auto live = CO_TRY(find(name));
    if (live->record.config.log.driver == LogDriver::none) {
        co_return fail(Kind::unsupported, "configured logging driver does not support reading: none");
    }
    // Its log may be gone already: nothing would look like a container that said nothing.
    if (live->record.state.status == Status::removing) {
        co_return fail(Kind::conflict, "can not get logs from container which is dead or marked for removal");
    }
    const auto copies = std::make_shared<LogCopies>();
    for (;;) {
        const auto generation = live->log ? live->log->generation() : live->log_generation;
        auto cursor =
            LogCursor::open(live->record.log_path, live->record.config.log.max_files, generation, query.tail, copies);
        if (cursor || !copies->wanting()) {
            co_return std::make_unique<LiveLogReader>(live, CO_TRY(std::move(cursor)), query, workers_->get_executor());
        }
        auto made = co_await on_pool([&] { return copies->make(); });
        CO_TRY(std::move(made));
    }
}

Task<ContainerSize> EngineImpl::container_size(std::string name) {
    auto live = CO_TRY(find(name));
    if (live->record.image.empty()) co_return ContainerSize{};
    const auto id = live->record.id;
    const auto image = live->record.image.text();
    co_return co_await on_pool([&]() -> Result<ContainerSize> {
        const auto own = TRY(parts_.store->rootfs_size(id));
        const auto found = parts_.store->find(image);  // it may have been removed by force
        return ContainerSize{.own = own, .whole = own + (found ? found->size : 0)};
    });
}

Task<ProcessTable> EngineImpl::top(std::string name, std::string options) {
    auto live = CO_TRY(find(name));
    const auto columns = CO_TRY(parse_ps(options));
    if (live->record.state.status != Status::running && live->record.state.status != Status::paused) {
        co_return fail(Kind::conflict, "container {} is not running", live->record.id);
    }
    const auto pid = live->record.state.process.pid;
    const auto cgroup = cgroup_of(live->record.id);
    auto listed = co_await on_pool([&] { return list_processes(cgroup, pid, columns); });
    if (listed) events_.container(live->record, "top");
    // It ended meanwhile, and its cgroup with it.
    if (!listed && (listed.error().error_number() == ENOENT || listed.error().error_number() == ENODEV))
        co_return fail(Kind::conflict, "container {} is not running", live->record.id);
    co_return listed;
}

Task<Stats> EngineImpl::stats(std::string name) {
    auto live = CO_TRY(find(name));
    const auto pid = live->record.state.process.pid;
    if (pid == 0) co_return Stats();
    const auto cgroup = cgroup_of(live->record.id);
    co_return co_await on_pool([&] { return read_stats(cgroup, pid); });
}

void EngineImpl::pruned(std::string type, std::uint64_t bytes) {
    events_.publish(
        {.type = std::move(type), .action = "prune", .id = {}, .attributes = {{"reclaimed", std::to_string(bytes)}}});
}

std::shared_ptr<void> EngineImpl::subscribe(std::int64_t since, std::function<void(const Event&)> handler) {
    return events_.subscribe(since, std::move(handler));
}

}  // namespace diatom::engine
