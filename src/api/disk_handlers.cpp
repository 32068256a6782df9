// What things take on the disk, and removing what nobody uses: system df and the prunes.
#include <algorithm>
#include <set>

#include "api/encode.h"
#include "api/router.h"
#include "engine/endpoints.h"
#include "engine/volumes.h"

namespace diatom::api {
namespace {

using engine::Status;

Json list_or_null(Json list) { return list.empty() ? Json(nullptr) : std::move(list); }

Task<void> prune_containers(Call& call) {
    static constexpr std::string_view kFilters[] = {"until", "label", "label!"};
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto until = CO_TRY(until_of(filters));
    Json deleted = Json::array();
    std::uint64_t reclaimed = 0;
    for (const auto& container : call.engine.containers()) {
        const auto status = container.state.status;
        if (status != Status::created && status != Status::exited && status != Status::dead) continue;
        if (until && container.created > *until) continue;
        if (!labels_allow(container.config.labels, filters)) continue;
        auto size = co_await call.engine.container_size(container.id);
        auto removed = co_await call.engine.remove(container.id, {});
        if (!removed) continue;  // started or removed meanwhile
        reclaimed += size ? size->own : 0;
        deleted.push_back(container.id);
    }
    call.engine.pruned("container", reclaimed);
    co_return co_await call.connection.reply_json(
        200, {{"ContainersDeleted", list_or_null(std::move(deleted))}, {"SpaceReclaimed", reclaimed}});
}

std::uint64_t total(const std::map<image::Digest, std::uint64_t>& sizes) {
    std::uint64_t bytes = 0;
    for (const auto& [digest, size] : sizes) bytes += size;
    return bytes;
}

std::set<image::Digest> images_in_use(const engine::ContainerList& containers) {
    std::set<image::Digest> used;
    for (const auto& container : containers) used.insert(container.image);
    return used;
}

Task<void> prune_images(Call& call) {
    static constexpr std::string_view kFilters[] = {"dangling", "until", "label", "label!"};
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto until = CO_TRY(until_of(filters));
    const bool dangling = flag_of(filters, "dangling", true);
    auto listed = co_await call.engine.images();
    const auto images = CO_TRY(std::move(listed));
    auto measured = co_await call.engine.layer_sizes();
    const auto before = total(CO_TRY(std::move(measured)));
    const auto used = images_in_use(call.engine.containers());
    Json deleted = Json::array();
    for (const auto& image : images) {
        if (used.contains(image.id) || (dangling && !image.tags.empty())) continue;
        if (until && image.created * 1'000'000'000 > *until) continue;
        if (!labels_allow(image.config.labels, filters)) continue;
        auto removed = co_await call.engine.remove_image(image.id.text(), true);
        if (!removed) continue;  // removed meanwhile
        for (const auto& name : removed->untagged) deleted.push_back({{"Untagged", name}});
        for (const auto& id : removed->deleted) deleted.push_back({{"Deleted", id}});
    }
    auto collected = co_await call.engine.collect_images();
    CO_TRY(std::move(collected));
    auto again = co_await call.engine.layer_sizes();
    const auto after = total(CO_TRY(std::move(again)));
    const auto reclaimed = before > after ? before - after : 0;
    call.engine.pruned("image", reclaimed);
    co_return co_await call.connection.reply_json(
        200, {{"ImagesDeleted", list_or_null(std::move(deleted))}, {"SpaceReclaimed", reclaimed}});
}

Task<void> prune_volumes(Call& call) {
    static constexpr std::string_view kFilters[] = {"all", "label", "label!"};
    constexpr int kOnlyAnonymous = 42;  // from this version on, unless "all" is asked for
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const bool all = flag_of(filters, "all", false) || call.version() < kOnlyAnonymous;
    Json deleted = Json::array();
    std::uint64_t reclaimed = 0;
    for (const auto& volume : call.engine.volumes()) {
        if ((!all && !volume.anonymous) || engine::count_users(volume, call.engine.containers()) > 0) continue;
        if (!labels_allow(volume.labels, filters)) continue;
        auto size = co_await call.engine.volume_size(volume.name);
        auto removed = co_await call.engine.remove_volume(volume.name, false);
        if (!removed) continue;  // used or removed meanwhile
        reclaimed += size.value_or(0);
        deleted.push_back(volume.name);
    }
    call.engine.pruned("volume", reclaimed);
    co_return co_await call.connection.reply_json(
        200, {{"VolumesDeleted", list_or_null(std::move(deleted))}, {"SpaceReclaimed", reclaimed}});
}

Task<void> prune_networks(Call& call) {
    static constexpr std::string_view kFilters[] = {"until", "label", "label!"};
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto until = CO_TRY(until_of(filters));
    Json deleted = Json::array();
    for (const auto& network : call.engine.networks()) {
        if (network.config_only || engine::is_builtin(network) || engine::is_used(network, call.engine.containers()))
            continue;
        if (until && network.created > *until) continue;
        if (!labels_allow(network.labels, filters)) continue;
        auto removed = co_await call.engine.remove_network(network.id);
        if (removed) deleted.push_back(network.name);  // one that a container joined meanwhile stays
    }
    call.engine.pruned("network", 0);
    co_return co_await call.connection.reply_json(200, {{"NetworksDeleted", list_or_null(std::move(deleted))}});
}

// There is no build cache.
Task<void> prune_build_cache(Call& call) {
    return call.connection.reply_json(200, {{"CachesDeleted", nullptr}, {"SpaceReclaimed", 0}});
}

// Bytes of an image's layers that other images have, too.
std::uint64_t shared_size(const image::ImageRecord& image, const std::map<image::Digest, int>& users,
                          const std::map<image::Digest, std::uint64_t>& sizes) {
    std::uint64_t bytes = 0;
    for (const auto& layer : std::set(image.config.diff_ids.begin(), image.config.diff_ids.end())) {
        if (users.at(layer) > 1 && sizes.contains(layer)) bytes += sizes.at(layer);
    }
    return bytes;
}

Task<Json> image_rows(Call& call, const std::map<image::Digest, std::uint64_t>& sizes) {
    auto listed = co_await call.engine.images();
    const auto images = CO_TRY(std::move(listed));
    const auto containers = call.engine.containers();
    std::map<image::Digest, int> users;
    for (const auto& image : images) {
        for (const auto& layer : std::set(image.config.diff_ids.begin(), image.config.diff_ids.end())) ++users[layer];
    }
    Json rows = Json::array();
    for (const auto& image : images) {
        rows.push_back(encode_image_row(image, std::ranges::count(containers, image.id, &engine::Container::image)));
        rows.back()["SharedSize"] = shared_size(image, users, sizes);
    }
    co_return rows;
}

Task<Json> container_rows(Call& call) {
    JsonText rows;
    rows.begin_array();
    for (const auto& container : call.engine.containers()) {
        auto size = co_await call.engine.container_size(container.id);
        write_container_row(rows, container, size.value_or(engine::ContainerSize{}), call.version());
    }
    rows.end_array();
    co_return rows.tree();
}

Task<Json> volume_rows(Call& call) {
    Json rows = Json::array();
    for (const auto& volume : call.engine.volumes()) {
        auto size = co_await call.engine.volume_size(volume.name);
        rows.push_back(encode_volume(volume));
        rows.back()["UsageData"] = {{"Size", size ? Json(*size) : Json(-1)},
                                    {"RefCount", engine::count_users(volume, call.engine.containers())}};
    }
    co_return rows;
}

Task<void> disk_usage(Call& call) {
    const auto types = call.request.params("type");
    const auto wanted = [&](const char* type) { return types.empty() || std::ranges::contains(types, type); };
    auto measured = co_await call.engine.layer_sizes();
    const auto sizes = CO_TRY(std::move(measured));
    Json body{{"LayersSize", 0}, {"Images", nullptr}, {"Containers", nullptr}, {"Volumes", nullptr}};
    body["BuildCache"] = wanted("build-cache") ? Json::array() : Json(nullptr);
    if (wanted("image")) {
        auto rows = co_await image_rows(call, sizes);
        body["Images"] = CO_TRY(std::move(rows));
        body["LayersSize"] = total(sizes);
    }
    if (wanted("container")) {
        auto rows = co_await container_rows(call);
        body["Containers"] = CO_TRY(std::move(rows));
    }
    if (wanted("volume")) {
        auto rows = co_await volume_rows(call);
        body["Volumes"] = CO_TRY(std::move(rows));
    }
    co_return co_await call.connection.reply_json(200, body);
}

constexpr Route kRoutes[] = {
    {"GET", "/system/df", disk_usage},           {"POST", "/containers/prune", prune_containers},
    {"POST", "/images/prune", prune_images},     {"POST", "/volumes/prune", prune_volumes},
    {"POST", "/networks/prune", prune_networks}, {"POST", "/build/prune", prune_build_cache},
};

}  // namespace

std::span<const Route> disk_routes() { return kRoutes; }

}  // namespace diatom::api
