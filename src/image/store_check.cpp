#include "image/store_check.h"

#include <set>

#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr const char* kRestart = "restart the engine, which removes it";

Result<std::set<std::string>> names_in(const std::string& directory) {
    const auto names = TRY(sys::list_dir(directory));
    return std::set(names.begin(), names.end());
}

Result<void> check_layers(const StoreParts& store, Store::Activity activity, Findings& findings) {
    std::set<std::string> known;
    for (const auto& layer : TRY(store.catalog.layers())) {
        known.emplace(layer.diff_id.hex());
        const auto directory = store.layers.path(layer.diff_id);
        if (sys::exists(directory)) continue;
        findings.push_back({.what = "a layer is not on the disk",
                            .where = directory,
                            .advice = "remove the images that have it and pull them again"});
    }
    if (activity == Store::Activity::at_work) return {};
    for (const auto& name : TRY(names_in(store.root + "/layers"))) {
        if (known.contains(name)) continue;
        findings.push_back({.what = "a layer directory that no record mentions",
                            .where = store.root + "/layers/" + name,
                            .advice = kRestart});
    }
    for (const auto& name : TRY(names_in(store.root + "/ingest"))) {
        if (name.ends_with(".part")) continue;  // a partial download: it resumes
        findings.push_back({.what = "a leftover of an image that was unpacked or removed",
                            .where = store.root + "/ingest/" + name,
                            .advice = kRestart});
    }
    return {};
}

Result<void> check_images(const StoreParts& store, Findings& findings) {
    for (const auto& image : TRY(store.catalog.images())) {
        for (const auto& diff_id : image.config.diff_ids) {
            if (TRY(store.catalog.has_layer(diff_id))) continue;
            findings.push_back({.what = "an image lacks a layer",
                                .where = std::format("image {}, layer {}", image.id.text(), diff_id.text()),
                                .advice = "remove the image and pull it again"});
        }
    }
    return {};
}

Result<void> check_roots(const StoreParts& store, const std::set<std::string>& wanted, Store::Activity activity,
                         Findings& findings) {
    const auto on_disk = TRY(names_in(store.root + "/rootfs"));
    const auto listed = TRY(store.catalog.rootfs_containers());
    const std::set<std::string> recorded(listed.begin(), listed.end());
    const bool at_rest = activity == Store::Activity::at_rest;
    for (const auto& name : on_disk) {
        if (wanted.contains(name) || !at_rest) continue;
        findings.push_back({.what = "a root file system that belongs to no container",
                            .where = store.root + "/rootfs/" + name,
                            .advice = kRestart});
    }
    for (const auto& name : recorded) {
        if (!wanted.contains(name)) {
            if (!at_rest) continue;
            findings.push_back({.what = "the database has a root file system that belongs to no container",
                                .where = name,
                                .advice = kRestart});
        } else if (!on_disk.contains(name)) {
            findings.push_back({.what = "the root file system of a container is not on the disk",
                                .where = store.root + "/rootfs/" + name,
                                .advice = "remove the container and create it again"});
        }
    }
    return {};
}

}  // namespace

Result<Findings> check_store(StoreParts store, const std::vector<std::string>& containers, Store::Activity activity) {
    Findings findings;
    if (auto whole = store.catalog.check(); !whole) {
        findings.push_back({.what = "the database of images is damaged: " + whole.error().what(),
                            .where = store.root + "/store.db",
                            .advice = "keep a copy, remove it, and pull the images again"});
    }
    TRY(check_layers(store, activity, findings));
    TRY(check_images(store, findings));
    TRY(check_roots(store, {containers.begin(), containers.end()}, activity, findings));
    return findings;
}

}  // namespace diatom::image
