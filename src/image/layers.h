// Unpacked layers: ROOT/layers/HEX/fs, with the recipe of their archives (layer_recipe.h), made in ROOT/ingest and
// renamed when complete, verified and synced. Thread side: any; of several that want one layer, one unpacks and the
// others wait.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "base/fd.h"
#include "image/byte_source.h"
#include "image/catalog.h"
#include "image/store.h"

namespace diatom::image {

class Layers {
public:
    Layers(std::string root, Catalog& catalog, InflateLimit limit = {})
        : root_(std::move(root)), catalog_(catalog), limit_(limit) {}
    Result<void> open();

    std::string directory(const Digest& diff_id) const;
    std::string path(const Digest& diff_id) const;
    bool has(const Digest& diff_id);
    // `blob`: a layer's tar, compressed or not; read from its beginning.
    Result<void> unpack(FdRef blob, std::uint64_t size, const Digest& diff_id, const std::string& label,
                        const ProgressSink& progress, const std::atomic<bool>* cancelled);
    Result<void> remove(const Digest& diff_id);
    // Drops layers that the catalog does not know, and what the catalog knows but the disk has not.
    Result<void> reconcile();

private:
    Result<void> unpack_once(FdRef blob, std::uint64_t size, const Digest& diff_id, const std::string& label,
                             const ProgressSink& progress, const std::atomic<bool>* cancelled);

    std::string root_;
    Catalog& catalog_;
    InflateLimit limit_;
    std::mutex mutex_;
    std::condition_variable done_;
    std::set<Digest> in_work_;
};

}  // namespace diatom::image
