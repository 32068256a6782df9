// The store on a disk (store.h). Thread side: any; the parts lock themselves.
#pragma once

#include "image/blobs.h"
#include "image/catalog.h"
#include "image/holds.h"
#include "image/layers.h"
#include "image/store.h"
#include "image/store_check.h"

namespace diatom::image {

class DiskStore final : public Store {
public:
    DiskStore(std::string root, Catalog catalog, std::function<std::int64_t()> wall_ns)
        : root_(std::move(root)),
          wall_ns_(std::move(wall_ns)),
          catalog_(std::move(catalog)),
          blobs_(root_),
          layers_(root_, catalog_) {}
    Result<void> open();

    std::shared_ptr<Lease> lease() override { return Holds::lease(holds_); }
    Result<bool> has_blob(const Digest& digest) override { return blobs_.has(digest); }
    Result<std::string> read_blob(const Digest& digest, std::size_t limit) override {
        return blobs_.read(digest, limit);
    }
    Result<std::shared_ptr<IncomingBlob>> receive_blob(const Descriptor& descriptor) override {
        return blobs_.receive(descriptor);
    }
    Result<void> put_blob(const Digest& digest, std::string_view bytes) override { return blobs_.put(digest, bytes); }

    Result<bool> has_layer(const Digest& diff_id) override { return catalog_.has_layer(diff_id); }
    Result<void> unpack_layer(const std::shared_ptr<IncomingBlob>& blob, const Digest& diff_id,
                              const ProgressSink& progress, const std::atomic<bool>* cancelled) override;
    Result<SizedSource> open_layer(const Digest& diff_id) override;
    Result<Digest> add_layer(const std::function<Result<void>(ByteSink&)>& produce, Lease& lease) override;
    Result<std::string> layer_note(const Digest& diff_id, const std::string& key) override;
    Result<void> put_layer_note(const Digest& diff_id, const std::string& key, std::string_view text) override;
    Result<std::map<Digest, std::uint64_t>> layer_sizes() override;

    Result<ImageRecord> add_image(const Digest& config, const Digest& manifest, const std::string& tag,
                                  const std::string& repo_digest) override;
    Result<ImageRecord> find(const std::string& name) override { return catalog_.image(TRY(find_id(name))); }
    Result<std::vector<ImageRecord>> list() override { return catalog_.images(); }
    Result<void> tag(const Digest& id, const Reference& reference) override;
    Result<Removed> remove(const std::string& name, bool force, const std::vector<Digest>& in_use) override;
    Result<std::vector<std::string>> load(FdRef archive, const ProgressSink& progress) override;

    Result<RootFs> create_rootfs(const std::string& container, const Digest& image) override;
    Result<RootFs> rootfs(const std::string& container) override;
    Result<void> remove_rootfs(const std::string& container) override;
    Result<std::uint64_t> rootfs_size(const std::string& container) override;
    Result<void> recover(const std::vector<Root>& roots) override;
    Result<void> collect(Leftovers leftovers) override;
    Result<Findings> check(const std::vector<std::string>& containers, Activity activity) override {
        return check_store({root_, catalog_, layers_}, containers, activity);
    }

private:
    std::string empty_layer() const { return root_ + "/empty"; }
    Result<void> make_rootfs_directories(const std::string& container);  // those that are missing
    std::string rootfs_directory(const std::string& container) const { return root_ + "/rootfs/" + container; }
    std::int64_t now() const { return wall_ns_() / 1'000'000'000; }  // seconds since 1970
    Result<Digest> find_id(const std::string& name);
    Result<Digest> find_by_prefix(const std::string& name, const std::string& prefix);

    // store_collect.cpp
    // Those of the candidates go that are garbage, layers kept longer than `now` left out; returns them.
    Result<void> untag_digests(const ImageRecord& image, const Reference& gone, Removed& removed);
    Result<std::vector<Digest>> collect_layers(const std::vector<Digest>& candidates, std::int64_t now);
    Result<void> collect_blobs(const std::vector<Digest>& candidates);
    Result<void> sweep_unfinished();

    std::string root_;
    std::function<std::int64_t()> wall_ns_;
    Catalog catalog_;
    Blobs blobs_;
    Layers layers_;
    std::shared_ptr<Holds> holds_ = std::make_shared<Holds>();
};

}  // namespace diatom::image
