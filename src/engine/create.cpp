#include <fcntl.h>

#include <algorithm>
#include <format>
#include <set>

#include "base/strings.h"
#include "engine/engine_impl.h"
#include "engine/merge.h"
#include "engine/names.h"
#include "engine/size_limit.h"
#include "engine/spec_builder.h"
#include "engine/volumes.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

namespace {

Result<void> check_platform(const ContainerConfig& config, const image::ImageRecord& image) {
    if (config.platform.empty()) return {};
    if (TRY(image::Platform::parse(config.platform)).runs(image.config.platform)) return {};
    // Not found, as Docker: its command line pulls then what it wants.
    return fail(Kind::not_found,
                "image with reference {} was found but its platform ({}) does not match the specified platform ({})",
                config.image, image.config.platform.text(), config.platform);
}

// "CONTAINER[:MODE]"
struct Donor {
    std::string name;
    bool read_only = false;
};
Result<Donor> parse_donor(const std::string& text) {
    const auto halves = cut(text, ':').value_or(Halves{text, ""});
    Donor donor{.name = std::string(halves.first)};
    if (donor.name.empty()) return fail(Kind::invalid, "malformed volumes-from specification: {}", text);
    for (const auto mode : split(halves.second, ',')) {
        if (mode == "ro") donor.read_only = true;
        else if (!mode.empty() && mode != "rw" && mode != "z" && mode != "Z")
            return fail(Kind::invalid, "invalid mode: {}", mode);
    }
    return donor;
}

std::vector<MountPoint> mounts_of(const Container& container) {
    std::vector<MountPoint> mounts;
    for (const auto& mount : container.config.mounts) {
        if (mount.kind != MountKind::volume) mounts.push_back(mount);
    }
    for (const auto& use : container.volumes) {
        mounts.push_back({.kind = MountKind::volume,
                          .source = use.name,
                          .target = use.target,
                          .read_only = use.read_only,
                          .no_copy = true,
                          .subpath = use.subpath});
    }
    return mounts;
}

// What the image has at the place of a volume, or of a part of one, goes into it. A part that is not there is the
// start's to refuse.
Result<void> fill(FdRef image, const VolumeUse& use) {
    if (use.subpath.empty()) return copy_up(image, use.target, use.source);
    const Fd whole = TRY(sys::open_path(use.source, O_PATH | O_DIRECTORY));
    const auto part = sys::open_in_root(whole, use.subpath, O_PATH | O_DIRECTORY);
    if (!part) return {};
    return copy_up(image, use.target, std::format("/proc/self/fd/{}", part->raw()));
}

}  // namespace

// What is named for this container itself goes before what it inherits, a later donor before an earlier one.
Result<void> EngineImpl::inherit_volumes(ContainerConfig& config) const {
    std::vector<MountPoint> inherited;
    for (const auto& text : config.volumes_from) {
        const auto donor = TRY(parse_donor(text));
        const auto found = find(donor.name);
        // Not "not found": the docker CLI would take the image for what is missing, and pull it.
        if (!found) return fail(Kind::invalid, "{}", found.error().what());
        const auto& live = *found;
        for (auto& mount : mounts_of(live->record)) {
            mount.read_only = mount.read_only || donor.read_only;
            std::erase_if(inherited, [&](const auto& other) { return other.target == mount.target; });
            if (!std::ranges::contains(config.mounts, mount.target, &MountPoint::target))
                inherited.push_back(std::move(mount));
        }
    }
    config.mounts.insert(config.mounts.end(), inherited.begin(), inherited.end());
    return {};
}

Result<void> EngineImpl::prepare_image_mounts(Container& container) {
    for (const auto& mount : container.config.mounts) {
        if (mount.kind != MountKind::image) continue;
        const auto image = parts_.store->find(mount.source);
        if (!image && image.error().kind() == Kind::not_found)
            return fail(Kind::invalid, "No such image: {}", mount.source);  // see inherit_volumes()
        const auto& record = TRY(image);
        ImageUse use{.image = record.id,
                     .rootfs = std::format("{}-image{}", container.id, container.images.size()),
                     .name = mount.source,
                     .target = mount.target,
                     .subpath = mount.subpath,
                     .read_only = mount.read_only};
        TRY(parts_.store->create_rootfs(use.rootfs, record.id));
        container.images.push_back(std::move(use));
    }
    return {};
}

std::vector<Volume> EngineImpl::used_volumes(const Container& container) const {
    std::vector<Volume> used;
    for (const auto& volume : volumes_) {
        if (std::ranges::contains(container.volumes, volume.name, &VolumeUse::name)) used.push_back(volume);
    }
    return used;
}

std::vector<Volume> EngineImpl::optioned_volumes(const Container& container) const {
    auto optioned = used_volumes(container);
    std::erase_if(optioned, [](const auto& volume) { return volume.options.empty(); });
    return optioned;
}

Task<Created> EngineImpl::create(std::string name, ContainerConfig config) {
    co_return co_await shielded(create_body(std::move(name), std::move(config)));
}

Task<Created> EngineImpl::create_body(std::string name, ContainerConfig config) {
    CO_TRY(inherit_volumes(config));
    CO_TRY(validate(config));
    // The network's is looked for at its start, as Docker.
    for (const auto& mode : {config.pid_mode, config.ipc_mode}) {
        if (!mode.starts_with("container:")) continue;
        if (const auto found = find(mode.substr(10)); !found)
            co_return fail(Kind::invalid, "{}", found.error().what());  // see inherit_volumes()
    }
    CO_TRY(complete_networks(config, !options_.table.empty()));
    for (auto& endpoint : config.networks) {
        if (const auto known = network(endpoint.network)) endpoint.network = known->name;  // it may be an id
    }
    // The machine's log tells by it who said a line.
    if (options_.scope == Scope::system && config.log.tag.empty()) config.log.tag = "{{.Name}}";
    auto warnings = std::move(config.warnings);
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
    auto prepared = find_links(container);
    if (prepared) prepared = co_await prepare_image(container);
    if (prepared) prepared = plan_volumes(container, volumes_, options_.root, made);
    // Listed at once, so that whoever plans the same name meanwhile uses the same volume.
    volumes_.insert(volumes_.end(), made.begin(), made.end());
    if (prepared) prepared = co_await fill_volumes(container);
    container.log_path = data_directory(container.id) + "/" + container.id + "-json.log";
    if (prepared) prepared = co_await save_new(container, made);
    if (!prepared) {
        (void)co_await undo_create(container, made);
        names_.erase(container.name);
        co_return Failure(std::move(prepared).error());
    }
    Created created{.id = container.id, .warnings = std::move(warnings)};
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
            const auto name = image::Reference::parse(container.config.image);
            if (!name && !is_id(container.config.image)) return fail(Kind::invalid, "invalid reference format");
            return fail(Kind::not_found, "No such image: {}", container.config.image);
        }
        const auto& record = TRY(image);
        TRY(check_platform(container.config, record));
        TRY(merge_image(container, record.config));
        container.image = record.id;
        const auto own = TRY(parts_.store->create_rootfs(container.id, record.id));
        if (const auto size = container.config.storage_size) TRY(limit_size({own.upper, own.work}, size));
        TRY(prepare_image_mounts(container));
        TRY(sys::make_dirs(data_directory(container.id), 0710));
        return {};
    });
    co_return done;
}

// The files of the image go into a new volume before the container is there: whoever sees the container sees them.
Task<void> EngineImpl::fill_volumes(const Container& container) {
    if (container.volumes.empty()) co_return Result<void>();
    const auto used = used_volumes(container);
    const auto optioned = optioned_volumes(container);
    const auto fill_all = [&]() -> Result<void> {
        for (const auto& volume : used) TRY(make_volume_directory(volume));
        if (container.image.empty()) return {};
        for (const auto& volume : optioned) TRY(volume_mounts_.hold(volume, container.id));
        const Fd view = TRY(open_root_view(TRY(parts_.store->rootfs(container.id))));
        for (const auto& use : container.volumes) {
            const auto mount = std::ranges::find(container.config.mounts, use.target, &MountPoint::target);
            const bool copied = mount == container.config.mounts.end() || !mount->no_copy;
            if (copied) TRY(fill(view, use));
        }
        return {};
    };
    co_return co_await on_pool([&] {
        auto filled = fill_all();
        volume_mounts_.release(container.id);
        return filled;
    });
}

// The container and its volumes become visible at once. With all that it uses: one may be another's that is being
// created beside it, and is not saved yet.
Task<void> EngineImpl::save_new(const Container& container, const std::vector<Volume>& made) {
    const auto used = used_volumes(container);
    auto saved = co_await on_records([&] { return records_.put(container, used); });
    CO_TRY(std::move(saved));
    co_return co_await finish_volumes(made);
}

Task<void> EngineImpl::finish_volumes(const std::vector<Volume>& made) {
    if (made.empty()) co_return Result<void>();
    auto finished = co_await on_pool([&]() -> Result<void> {
        for (const auto& volume : made) TRY(finish_volume_directory(volume.mountpoint));
        return {};
    });
    // The next start of the engine does it then.
    if (!finished) log::warning("a volume keeps its mark", {{"error", finished.error().what()}});
    for (const auto& volume : made) {
        events_.publish({.type = "volume", .action = "create", .id = volume.name, .attributes = {{"driver", "local"}}});
    }
    co_return Result<void>();
}

Task<void> EngineImpl::undo_create(Container container, std::vector<Volume> made) {
    // A named volume may be another's by now: it stays, unless it could not be made.
    auto absent = co_await on_pool([&]() -> Result<std::set<std::string>> {
        std::set<std::string> names;
        for (const auto& volume : made) {
            if (!sys::exists(volume.mountpoint)) names.insert(volume.name);
        }
        return names;
    });
    const auto named = std::ranges::stable_partition(
        made, [&](const auto& volume) { return volume.anonymous || (absent && absent->contains(volume.name)); });
    const std::vector<Volume> kept(named.begin(), named.end());
    made.erase(named.begin(), named.end());
    for (const auto& volume : made) {
        std::erase_if(volumes_, [&](const auto& v) { return v.name == volume.name; });
    }
    auto saved = co_await on_records([&]() -> Result<void> {
        for (const auto& volume : kept) TRY(records_.put(volume));
        return {};
    });
    if (!saved) log::error("a volume is not saved", saved.error());
    else (void)co_await finish_volumes(kept);
    co_return co_await on_pool([&]() -> Result<void> {
        for (const auto& volume : made) TRY(remove_volume_directory(options_.root, volume.name));
        TRY(sys::remove_tree(data_directory(container.id)));
        if (!container.image.empty()) TRY(remove_own_files(container));
        for (const auto& use : container.images) TRY(parts_.store->remove_rootfs(use.rootfs));
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
