#include "engine/engine_impl.h"
#include "engine/names.h"
#include "engine/size_limit.h"
#include "engine/volumes.h"
#include "sys/file.h"
#include "sys/log.h"

#include <algorithm>
#include <format>

namespace diatom::engine {

namespace {

constexpr int kRemovalRounds = 8;

void rename_endpoints(Container& container, const std::string& old) {
    for (auto& endpoint : container.endpoints) std::ranges::replace(endpoint.names, old, container.name);
}

}  // namespace

Task<void> EngineImpl::remove(std::string name, RemoveOptions options) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(remove_body(live, options));
}

Task<void> EngineImpl::remove_body(LivePtr live, RemoveOptions options) {
    // Each time round, someone else has started it between its end and the lock: a restart that was under way.
    for (int round = 0; round < kRemovalRounds; ++round) {
        if (live->active()) {
            if (!options.force) {
                const auto status = live->record.state.status;
                co_return fail(Kind::conflict,
                               "cannot remove container \"/{}\": container is {}: {} before removing or force remove",
                               live->record.name, to_string(status),
                               status == Status::paused ? "unpause and stop the container" : "stop the container");
            }
            auto ended = co_await end_body(live, live->exits);
            if (live->active()) CO_TRY(std::move(ended), "cannot remove container \"/{}\"", live->record.name);
        }
        const auto guard = co_await live->lock.lock();
        if (live->removed) co_return Result<void>();  // --rm was faster
        if (!live->active()) co_return co_await erase(live, options.volumes);
    }
    co_return fail(Kind::conflict, "cannot remove container \"/{}\": it is started again and again: stop what does so",
                   live->record.name);
}

Result<void> EngineImpl::remove_own_files(const Container& container) {
    const auto own = parts_.store->rootfs(container.id);
    const SizeLimitRelease release(own ? own->upper : "");
    return parts_.store->remove_rootfs(container.id);
}

// Under the lock. The mark "removing" makes an engine that dies half-way finish the work at its next start.
Task<void> EngineImpl::erase(LivePtr live, bool volumes) {
    auto& record = live->record;
    ++live->restart_ticket;
    record.state.status = Status::removing;
    record.state.remove_volumes = volumes;
    auto saved = co_await save(live);
    CO_TRY(std::move(saved));
    std::vector<std::string> dropped;
    for (const auto& use : record.volumes) {
        const auto volume = std::ranges::find(volumes_, use.name, &Volume::name);
        const bool shared = std::ranges::any_of(containers_, [&](const auto& other) {
            return other.second != live &&
                   std::ranges::contains(other.second->record.volumes, use.name, &VolumeUse::name);
        });
        if (volumes && volume != volumes_.end() && volume->anonymous && !shared) dropped.push_back(use.name);
    }
    auto removed = co_await on_pool([&]() -> Result<void> {
        TRY(sys::remove_tree(data_directory(record.id)));
        TRY(sys::remove_tree(run_directory(record.id)));
        if (!record.image.empty()) TRY(remove_own_files(record));
        for (const auto& use : record.images) TRY(parts_.store->remove_rootfs(use.rootfs));
        for (const auto& name : dropped) {
            TRY(doom_volume_directory(std::format("{}/volumes/{}/_data", options_.root, name)));
            TRY(remove_volume_directory(options_.root, name));
        }
        return {};
    });
    CO_TRY(std::move(removed), "cannot remove container \"/{}\"", record.name);
    auto forgotten = co_await on_records([&] { return records_.erase(record, dropped); });
    CO_TRY(std::move(forgotten));
    for (const auto& name : dropped) std::erase_if(volumes_, [&](const auto& v) { return v.name == name; });
    names_.erase(record.name);
    containers_.erase(record.id);
    name_service_.forget(record);
    std::erase_if(execs_, [&](const auto& exec) { return exec.second->state.container == record.id; });
    live->removed = true;
    live->hub->end();
    live->changed.notify_all();
    live->logged.notify_all();
    events_.container(record, "destroy");
    co_return Result<void>();
}

Task<void> EngineImpl::rename(std::string name, std::string new_name) {
    auto live = CO_TRY(find(name));
    co_return co_await shielded(rename_body(live, std::move(new_name)));
}

Task<void> EngineImpl::rename_body(LivePtr live, std::string new_name) {
    const auto guard = co_await live->lock.lock();
    if (new_name.empty()) co_return fail(Kind::invalid, "Neither old nor new names may be empty");
    auto checked = CO_TRY(check_name(new_name, "container"));
    const std::string old = live->record.name;
    if (checked == old) co_return fail(Kind::invalid, "Renaming a container with the same name as its current name");
    const auto [place, free] = names_.emplace(checked, live->record.id);
    if (!free) {
        co_return fail(
            Kind::conflict,
            "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or "
            "rename) that container to be able to reuse that name.",
            checked, place->second);
    }
    live->record.name = checked;
    rename_endpoints(live->record, old);
    auto saved = co_await save(live);
    if (!saved) {
        live->record.name = old;
        rename_endpoints(live->record, checked);
        names_.erase(checked);
        co_return saved;
    }
    names_.erase(old);
    name_service_.update(live->record);
    events_.container(live->record, "rename", {{"oldName", "/" + old}});
    spawn(update_linked(live->record.id));
    co_return Result<void>();
}

Task<Volume> EngineImpl::create_volume(std::string name, std::map<std::string, std::string> labels,
                                       std::map<std::string, std::string> driver_options) {
    CO_TRY(check_volume_options(driver_options));
    Volume volume{.labels = std::move(labels), .options = std::move(driver_options), .anonymous = name.empty()};
    volume.name = name.empty() ? random_id() : CO_TRY(check_name(name, "volume"));
    const auto known = std::ranges::find(volumes_, volume.name, &Volume::name);
    if (known != volumes_.end()) co_return *known;
    complete_volume(volume, options_.root);
    co_return co_await shielded(add_volume(std::move(volume)));
}

Task<Volume> EngineImpl::add_volume(Volume volume) {
    auto made = co_await on_pool([&] { return make_volume_directory(volume); });
    CO_TRY(std::move(made));
    const auto known = std::ranges::find(volumes_, volume.name, &Volume::name);
    if (known != volumes_.end()) co_return *known;
    volumes_.push_back(volume);
    auto saved = co_await on_records([&] { return records_.put(volume); });
    if (!saved) {
        std::erase_if(volumes_, [&](const auto& other) { return other.name == volume.name; });
        co_return Failure(std::move(saved).error());
    }
    const std::vector<Volume> one{volume};
    (void)co_await finish_volumes(one);
    co_return volume;
}

Task<void> EngineImpl::remove_volume(std::string name, bool force) {
    co_return co_await shielded(remove_volume_body(std::move(name), force));
}

Task<void> EngineImpl::remove_volume_body(std::string name, bool force) {
    const auto known = std::ranges::find(volumes_, name, &Volume::name);
    if (known == volumes_.end()) {
        if (force) co_return Result<void>();
        co_return fail(Kind::not_found, "get {}: no such volume", name);
    }
    for (const auto& [id, live] : containers_) {
        if (std::ranges::contains(live->record.volumes, name, &VolumeUse::name)) {
            co_return fail(Kind::conflict, "remove {}: volume is in use - [{}]", name, id);
        }
    }
    Volume doomed = std::move(*known);
    volumes_.erase(known);  // nobody can begin to use it from here on
    auto forgotten = co_await on_pool([&] { return doom_volume_directory(doomed.mountpoint); });
    if (forgotten) forgotten = co_await on_records([&] { return records_.erase_volume(name); });
    if (!forgotten) volumes_.push_back(doomed);
    CO_TRY(std::move(forgotten));
    auto removed = co_await on_pool([&] { return remove_volume_directory(options_.root, name); });
    CO_TRY(std::move(removed));
    events_.publish({.type = "volume", .action = "destroy", .id = name, .attributes = {{"driver", "local"}}});
    co_return Result<void>();
}

Task<std::uint64_t> EngineImpl::volume_size(std::string name) {
    const auto known = std::ranges::find(volumes_, name, &Volume::name);
    if (known == volumes_.end()) co_return fail(Kind::not_found, "get {}: no such volume", name);
    const std::string mountpoint = known->mountpoint;
    co_return co_await on_pool([&] { return sys::tree_size(mountpoint); });
}

}  // namespace diatom::engine
