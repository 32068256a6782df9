// A container's log while it runs: opened with it, rotated files compressed beside it.
#include "engine/engine_impl.h"
#include "engine/log_files.h"
#include "engine/log_options.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

Result<void> EngineImpl::open_log(Live& live) {
    const auto& record = live.record;
    if (record.config.log.driver == LogDriver::none || live.log) return {};
    TRY(sys::make_dirs(data_directory(record.id), 0710));
    live.log = TRY(JsonLog::open(record.log_path, record.config.log, live.log_generation, log_attributes(record)));
    live.log->keep_partials(run_directory(record.id));
    return {};
}

// Called for each piece of output.
std::function<void()> EngineImpl::when_logged(const LivePtr& live) {
    return [this, weak = std::weak_ptr(live)] {
        const auto held = weak.lock();
        if (!held) return;
        held->logged.notify_all();
        if (!held->log) return;
        if (auto rotated = held->log->take_rotated()) spawn(compress_rotated(held, std::move(*rotated)));
    };
}

asio::awaitable<void> EngineImpl::compress_rotated(LivePtr live, RotatedLog rotated) {
    const auto path = live->record.log_path;
    const auto directory = data_directory(live->record.id);
    auto compressed = co_await on_pool([&] { return compress_log(rotated.file, directory); });
    if (live->removed) co_return;
    const auto generation = live->log ? live->log->generation() : live->log_generation;
    auto done = compressed ? install_compressed(*compressed, path, generation - rotated.generation)
                           : Result<void>(forward_error(std::move(compressed)));
    if (!done && done.error().kind() != Kind::not_found)
        log::warning("a log stays as it is, not compressed", {{"id", live->record.id}, {"error", done.error().what()}});
}

}  // namespace diatom::engine
