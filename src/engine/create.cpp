#include <algorithm>

#include "engine/engine_impl.h"
#include "engine/merge.h"
#include "engine/names.h"
#include "engine/spec_builder.h"
#include "engine/volumes.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

Task<Created> EngineImpl::create(std::string name, ContainerConfig config) {
    co_return co_await shielded(create_body(std::move(name), std::move(config)));
}

Task<Created> EngineImpl::create_body(std::string name, ContainerConfig config) {
    CO_TRY(validate(config));
    CO_TRY(complete_networks(config, !options_.table.empty()));
    for (auto& endpoint : config.networks) {
        if (const auto known = network(endpoint.network)) endpoint.network = known->name;  // it may be an id
    }
    Container container{.id = random_id(), .created = sys::wall_ns(), .config = std::move(config)};
    if (name.empty()) {
        do container.name = random_name();
        while (names_.contains(container.name));
    } else {
        container.name = CO_TRY(check_name(name, "container"));
    }
    // Reserved at once, so that of two clients who want the name one is told, and the other does not fail half-way.
    const auto [place, free] = names_.emplace(container.name, container.id);
    if (!free) {
        co_return fail(
            Kind::conflict,
            "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or "
            "rename) that container to be able to reuse that name.",
            container.name, place->second);
    }
    std::vector<Volume> made;
    auto prepared = co_await prepare_image(container);
    if (prepared) prepared = plan_volumes(container, volumes_, options_.root, made);
    // Listed at once, so that whoever plans the same name meanwhile uses the same volume.
    volumes_.insert(volumes_.end(), made.begin(), made.end());
    if (prepared) prepared = co_await fill_volumes(container, made);
    container.log_path = data_directory(container.id) + "/" + container.id + "-json.log";
    if (prepared) prepared = co_await on_records([&] { return records_.put(container); });
    if (!prepared) {
        (void)co_await undo_create(container, made);
        names_.erase(container.name);
        co_return Failure(std::move(prepared).error());
    }
    Created created{.id = container.id, .warnings = {}};
    events_.container(container, "create");
    name_service_.update(add_live(std::move(container))->record);
    co_return created;
}

Task<void> EngineImpl::prepare_image(Container& container) {
    if (container.config.system_root || container.config.host_root) {
        co_return merge_image(container, image::ImageConfig{});
    }
    auto done = co_await on_pool([&]() -> Result<void> {
        const auto image = parts_.store->find(container.config.image);
        if (!image && image.error().kind() == Kind::not_found) {
            return fail(Kind::not_found, "No such image: {}", container.config.image);
        }
        const auto& record = TRY(image);
        TRY(merge_image(container, record.config));
        container.image = record.id;
        TRY(parts_.store->create_rootfs(container.id, record.id));
        TRY(sys::make_dirs(data_directory(container.id), 0710));
        return {};
    });
    co_return done;
}

// The files of the image go into a new volume before the container is there: whoever sees the container sees them.
Task<void> EngineImpl::fill_volumes(const Container& container, std::vector<Volume> made) {
    if (container.volumes.empty()) co_return Result<void>();
    auto done = co_await on_pool([&]() -> Result<void> {
        for (const auto& use : container.volumes) TRY(make_volume_directory(use.source));
        if (container.image.empty()) return {};
        const Fd view = TRY(open_root_view(TRY(parts_.store->rootfs(container.id))));
        for (const auto& use : container.volumes) {
            const auto mount = std::ranges::find(container.config.mounts, use.target, &MountPoint::target);
            if (mount == container.config.mounts.end() || !mount->no_copy) TRY(copy_up(view, use.target, use.source));
        }
        return {};
    });
    if (!done) co_return done;
    co_return co_await save_volumes(std::move(made));
}

Task<void> EngineImpl::save_volumes(std::vector<Volume> made) {
    if (made.empty()) co_return Result<void>();
    auto saved = co_await on_records([&]() -> Result<void> {
        for (const auto& volume : made) TRY(records_.put(volume));
        return {};
    });
    if (!saved) co_return saved;
    for (const auto& volume : made) {
        events_.publish({.type = "volume", .action = "create", .id = volume.name, .attributes = {{"driver", "local"}}});
    }
    co_return Result<void>();
}

Task<void> EngineImpl::undo_create(Container container, std::vector<Volume> made) {
    // A named volume may be another's by now: it stays.
    std::erase_if(made, [](const auto& volume) { return !volume.anonymous; });
    for (const auto& volume : made) {
        std::erase_if(volumes_, [&](const auto& v) { return v.name == volume.name; });
    }
    (void)co_await on_records([&]() -> Result<void> {
        for (const auto& volume : made) TRY(records_.erase_volume(volume.name));
        return {};
    });
    co_return co_await on_pool([&]() -> Result<void> {
        for (const auto& volume : made) TRY(remove_volume_directory(options_.root, volume.name));
        TRY(sys::remove_tree(data_directory(container.id)));
        if (!container.image.empty()) TRY(parts_.store->remove_rootfs(container.id));
        return {};
    });
}

LivePtr EngineImpl::add_live(Container record) {
    auto live = std::make_shared<Live>(loop_, std::move(record));
    names_[live->record.name] = live->record.id;
    containers_[live->record.id] = live;
    return live;
}

Task<void> EngineImpl::save(LivePtr live) {
    const Container copy = live->record;
    co_return co_await on_records([&] { return records_.put(copy); });
}

}  // namespace diatom::engine
