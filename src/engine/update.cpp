// Changing the limits and the restart policy of a container while it exists.
#include "engine/engine_impl.h"
#include "engine/merge.h"
#include "runtime/resources.h"

namespace diatom::engine {

Task<void> EngineImpl::update(std::string name, Update update) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(update_body(live, std::move(update)));
}

Task<void> EngineImpl::update_body(LivePtr live, Update update) {
    const auto guard = co_await live->lock.lock();
    const auto status = live->record.state.status;
    if (live->removed || status == Status::removing)
        co_return fail(Kind::conflict, "Cannot update container {}: it is being removed", live->record.name);
    auto changed = live->record.config;
    if (changed.auto_remove && update.restart != RestartPolicy::no) {
        co_return fail(Kind::invalid,
                       "Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
    changed.resources = std::move(update.resources);
    changed.restart = update.restart;
    changed.restart_max = update.restart_max;
    changed.raw_host_config = std::move(update.raw_host_config);
    CO_TRY(validate(changed));
    const auto cgroup = cgroup_of(live->record.id);
    if (live->record.state.process.pid != 0 && !cgroup.empty()) {
        auto applied = co_await on_pool([&]() -> Result<void> {
            return runtime::apply_resources(TRY(sys::Cgroup::open(cgroup)), changed.resources);
        });
        CO_TRY(std::move(applied), "Cannot update container {}", live->record.name);
    }
    live->record.config = std::move(changed);
    auto saved = co_await save(live);
    CO_TRY(std::move(saved));
    events_.container(live->record, "update");
    co_return Result<void>();
}

}  // namespace diatom::engine
