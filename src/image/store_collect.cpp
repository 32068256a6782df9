// What goes from the store: images by name, and what nothing names any more (store.h).
#include <algorithm>
#include <limits>
#include <set>

#include "image/disk_store.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

constexpr std::int64_t kDay = 24 * 3600;  // seconds
constexpr auto kAnyTime = std::numeric_limits<std::int64_t>::max();

// Condemned digests, pardoned when whoever judged them is done.
class Trial {
public:
    Trial(Holds& holds, const std::vector<Digest>& candidates) : holds_(holds), condemned_(holds.condemn(candidates)) {}
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial() { holds_.pardon(condemned_); }
    const std::vector<Digest>& condemned() const noexcept { return condemned_; }

private:
    Holds& holds_;
    std::vector<Digest> condemned_;
};

}  // namespace

Result<Store::Removed> DiskStore::remove(const std::string& name, bool force, const std::vector<Digest>& in_use) {
    const auto image = TRY(find(name));
    const auto reference = Reference::parse(name);
    const bool by_tag =
        reference && std::ranges::contains(image.tags, reference->full()) && !name.starts_with("sha256:");
    Removed removed;
    if (by_tag && image.tags.size() > 1) {
        TRY(catalog_.untag(reference->full()));
        removed.untagged.push_back(reference->familiar());
        TRY(untag_digests(image, *reference, removed));
        return removed;
    }
    const auto short_id = std::string(image.id.hex().substr(0, 12));
    if (!by_tag && image.tags.size() > 1 && !force) {
        return fail(Kind::conflict,
                    "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
                    short_id);
    }
    auto names = image.tags;
    names.insert(names.end(), image.repo_digests.begin(), image.repo_digests.end());
    const auto gone = catalog_.remove_image(
        {.id = image.id, .names = names, .force = force, .in_use = std::ranges::contains(in_use, image.id)});
    if (!gone && gone.error().kind() == Kind::conflict) {
        return fail(Kind::conflict,
                    "conflict: unable to remove {} (must be forced) - image {} is being used by a container", name,
                    short_id);
    }
    const bool deleted = TRY(gone);
    for (const auto& full : names) {
        const auto parsed = Reference::parse(full);
        removed.untagged.push_back(parsed ? parsed->familiar() : full);
    }
    if (!deleted) return removed;
    removed.deleted.push_back(image.id.text());
    TRY(collect_blobs({image.id, image.manifest}));
    for (const auto& diff_id : TRY(collect_layers(image.config.diff_ids, kAnyTime)))
        removed.deleted.push_back(diff_id.text());
    return removed;
}

// A repository that has no tag of the image any more has no digest of it either.
Result<void> DiskStore::untag_digests(const ImageRecord& image, const Reference& gone, Removed& removed) {
    const auto of_repository = [&](const std::string& name) {
        const auto reference = Reference::parse(name);
        return reference && reference->domain == gone.domain && reference->repository == gone.repository;
    };
    if (std::ranges::count_if(image.tags, of_repository) > 1) return {};
    for (const auto& name : image.repo_digests) {
        if (!of_repository(name)) continue;
        TRY(catalog_.untag(name));
        removed.untagged.push_back(TRY(Reference::parse(name)).familiar());
    }
    return {};
}

Result<void> DiskStore::remove_rootfs(const std::string& container) {
    const auto layers = TRY(catalog_.rootfs_layers(container));
    TRY(catalog_.remove_rootfs(container));
    TRY(sys::remove_tree(rootfs_directory(container)));
    TRY(collect_layers(layers, kAnyTime));  // of an image that went while this was made
    return {};
}

Result<std::vector<Digest>> DiskStore::collect_layers(const std::vector<Digest>& candidates, std::int64_t now) {
    std::vector<Digest> removed;
    std::vector<std::string> doomed;
    {
        const Trial trial(*holds_, candidates);
        const auto unused = TRY(catalog_.unused_layers(now));
        for (const auto& diff_id : trial.condemned()) {
            if (!std::ranges::contains(unused, diff_id)) continue;
            doomed.push_back(TRY(layers_.detach(diff_id)));
            removed.push_back(diff_id);
        }
    }
    // Slow, and nobody has to wait for it.
    for (const auto& directory : doomed) TRY(sys::remove_tree(directory));
    return removed;
}

Result<void> DiskStore::collect_blobs(const std::vector<Digest>& candidates) {
    const Trial trial(*holds_, candidates);
    const auto used = TRY(catalog_.image_blobs());
    for (const auto& digest : trial.condemned()) {
        if (!digest.empty() && !used.contains(digest)) TRY(blobs_.remove(digest));
    }
    return {};
}

Result<void> DiskStore::collect(Leftovers leftovers) {
    const bool keep = leftovers == Leftovers::keep_a_day;
    const auto now = keep ? this->now() : kAnyTime;
    TRY(collect_layers(TRY(catalog_.unused_layers(now)), now));
    TRY(collect_blobs(TRY(blobs_.list())));
    return blobs_.sweep_partials(keep ? now - kDay : kAnyTime);
}

// What was being made when the engine before this one ended.
Result<void> DiskStore::sweep_unfinished() {
    for (const auto& name : TRY(sys::list_dir(root_ + "/ingest"))) {
        if (!name.ends_with(".part")) TRY(sys::remove_tree(root_ + "/ingest/" + name));  // partial downloads resume
    }
    for (const std::string algorithm : {"sha256", "sha512"}) {
        const auto directory = root_ + "/blobs/" + algorithm;
        for (const auto& name : TRY(sys::list_dir(directory))) {
            if (!Digest::parse(algorithm + ":" + name)) TRY(sys::remove_file(directory + "/" + name));
        }
    }
    return {};
}

Result<void> DiskStore::recover(const std::vector<Root>& roots) {
    TRY(sweep_unfinished());
    std::set<std::string> known;
    for (const auto& root : roots) known.insert(root.container);
    std::set<std::string> recorded;
    for (const auto& container : TRY(catalog_.rootfs_containers())) {
        if (known.contains(container)) recorded.insert(container);
        else TRY(catalog_.remove_rootfs(container));
    }
    for (const auto& root : roots) {
        // The engine's record was on the disk first. What was in the directories was not there either.
        if (!recorded.contains(root.container) && root.image) {
            if (auto added = catalog_.add_rootfs(root.container, *root.image); !added) {
                log::error("a container has lost its root file system",
                           {{"id", root.container}, {"error", added.error().what()}});
                continue;
            }
        }
        if (recorded.contains(root.container) || root.image) TRY(make_rootfs_directories(root.container));
    }
    for (const auto& name : TRY(sys::list_dir(root_ + "/rootfs"))) {
        if (!known.contains(name)) TRY(sys::remove_tree(rootfs_directory(name)));
    }
    TRY(layers_.reconcile());
    return collect(Leftovers::keep_a_day);
}

}  // namespace diatom::image
