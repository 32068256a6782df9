// Unpacked layers: ROOT/layers/HEX/fs, with the recipe of their archives (layer_recipe.h), made in ROOT/ingest and
// renamed when complete, verified and synced. Thread side: any; of several that want one layer, one unpacks and the
// others wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

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
    // `archive`: a layer's tar, compressed or not, of `size` bytes, from its beginning; `label` names it in what
    // `progress` tells. `verified` has the last word before the layer is visible, after the archive was read to its
    // end.
    struct Work {
        std::unique_ptr<ByteSource> archive;
        std::uint64_t size = 0;
        Digest diff_id;
        std::string label;
        const ProgressSink& progress;
        const std::atomic<bool>* cancelled = nullptr;
        std::function<Result<void>()> verified = [] { return Result<void>{}; };
        std::int64_t kept_until = 0;  // seconds since 1970
    };
    // Whoever wants the layer holds its diff_id (Store::lease).
    Result<void> unpack(Work work);
    // Out of sight at once, so that a crash leaves no half layer under its name; returns the directory to remove.
    Result<std::string> detach(const Digest& diff_id);
    // Drops layers that the catalog does not know, and what the catalog knows but the disk has not.
    Result<void> reconcile();

private:
    Result<void> unpack_once(Work work);

    std::string root_;
    Catalog& catalog_;
    InflateLimit limit_;
    std::mutex mutex_;
    std::condition_variable done_;
    std::set<Digest> in_work_;
};

}  // namespace diatom::image
