// The image store: content-addressed blobs, unpacked layers, images and tags, and the root file systems of containers.
// Nothing is visible until it is complete, verified and durable; a crash at any write leaves the old state.
//
//   ROOT/blobs/sha256/HEX            compressed layers' manifests and configs (layer blobs are dropped once unpacked)
//   ROOT/ingest/…                    partial downloads, resumable for a day; never read as content
//   ROOT/layers/HEX(diff_id)/fs      unpacked layers, each independent of its parents
//   ROOT/layers/HEX(diff_id)/recipe  how to make the layer's archive again (layer_recipe.h)
//   ROOT/rootfs/CONTAINER/{upper,work,merged}
//   ROOT/store.db                    SQLite: images, tags, layers
//
// Thread side: any thread; calls block on disk, so the engine makes them from its worker pool.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/finding.h"
#include "image/byte_source.h"
#include "image/manifest.h"
#include "image/reference.h"

namespace diatom::image {

struct ImageRecord {
    Digest id;                              // digest of the configuration, as Docker's image ID
    Digest manifest;                        // digest of the manifest it came with; empty after a load of an old archive
    std::vector<std::string> tags;          // full references with tag
    std::vector<std::string> repo_digests;  // "repository@sha256:…", full form
    std::uint64_t size = 0;                 // bytes of the unpacked layers
    std::int64_t created = 0;               // seconds since 1970, from the configuration
    ImageConfig config;
    std::string raw_config;
};

// Where progress goes; `id` is the layer's short digest or empty for the whole pull.
struct Progress {
    std::string id, status;  // Docker's words: "Pulling fs layer", "Downloading", "Extracting", "Pull complete", …
    std::uint64_t current = 0, total = 0;
};
using ProgressSink = std::function<void(const Progress&)>;

// A blob on its way in. Destroyed without commit(): the partial file stays for resumption (ingest), or goes (discard).
class BlobWriter {
public:
    virtual ~BlobWriter() = default;
    virtual std::uint64_t offset() const = 0;  // bytes already there, hashed: ask the registry for the rest
    virtual Result<void> write(std::string_view bytes) = 0;
    virtual Result<void> restart() = 0;  // the server ignored our range: from zero
    virtual Result<void> commit() = 0;   // verifies digest and size (Kind::corrupt), fsyncs, makes visible
};

struct RootFs {
    std::string directory;           // ROOT/rootfs/CONTAINER
    std::vector<std::string> lower;  // top first
    std::string upper, work, merged;
};

class Store {
public:
    virtual ~Store() = default;
    static Result<std::unique_ptr<Store>> open(const std::string& root);

    virtual Result<bool> has_blob(const Digest& digest) = 0;
    virtual Result<std::string> read_blob(const Digest& digest, std::size_t limit) = 0;
    virtual Result<std::unique_ptr<BlobWriter>> write_blob(const Descriptor& descriptor) = 0;
    virtual Result<void> put_blob(const Digest& digest, std::string_view bytes) = 0;  // verified
    virtual Result<bool> has_layer(const Digest& diff_id) = 0;
    // Unpacks a blob that is in the store into a layer and verifies its diff_id. Idempotent; safe in parallel.
    virtual Result<void> unpack_layer(const Descriptor& blob, const Digest& diff_id, const ProgressSink& progress,
                                      const std::atomic<bool>* cancelled = nullptr) = 0;

    // The layer's archive, the same bytes as it came with (layer_recipe.h).
    virtual Result<SizedSource> open_layer(const Digest& diff_id) = 0;
    // A layer out of a plain archive that `produce` writes and whose diff id nobody knows yet; returns it.
    virtual Result<Digest> add_layer(const std::function<Result<void>(ByteSink&)>& produce) = 0;
    // A line that is kept with the layer until it goes ("gzip": what its compressed form is). Empty when never written.
    virtual Result<std::string> layer_note(const Digest& diff_id, const std::string& key) = 0;
    virtual Result<void> put_layer_note(const Digest& diff_id, const std::string& key, std::string_view text) = 0;

    virtual Result<std::map<Digest, std::uint64_t>> layer_sizes() = 0;  // bytes, by diff id

    // Makes an image visible under `tag` (may be empty) in one transaction; all its layers must be unpacked.
    virtual Result<ImageRecord> add_image(const Digest& config, const Digest& manifest, const std::string& tag,
                                          const std::string& repo_digest) = 0;
    // By full or familiar reference, digest reference, or (short) id. Ambiguous short ids: invalid.
    virtual Result<ImageRecord> find(const std::string& name) = 0;
    virtual Result<std::vector<ImageRecord>> list() = 0;
    virtual Result<void> tag(const Digest& id, const Reference& reference) = 0;
    struct Removed {
        std::vector<std::string> untagged, deleted;
    };
    // Removes a tag, and the image with its unshared layers once untagged. `in_use`: images that containers need.
    virtual Result<Removed> remove(const std::string& name, bool force, const std::vector<Digest>& in_use) = 0;
    // A `docker save` archive or OCI layout, possibly compressed, from a stream.
    virtual Result<std::vector<std::string>> load(FdRef archive, const ProgressSink& progress) = 0;

    virtual Result<RootFs> create_rootfs(const std::string& container, const Digest& image) = 0;
    virtual Result<RootFs> rootfs(const std::string& container) = 0;
    virtual Result<void> remove_rootfs(const std::string& container) = 0;
    virtual Result<std::uint64_t> rootfs_size(const std::string& container) = 0;  // bytes of the upper layer
    // After a crash: drops half-unpacked layers, unreferenced rootfs directories and blobs. Called once at start.
    virtual Result<void> recover(const std::vector<std::string>& containers) = 0;
    // Compares the disk with the database. `containers`: names of the root file systems that there may be. At rest
    // no image and no root file system is being made: what no record mentions is left over.
    enum class Activity : std::uint8_t { at_rest, at_work };
    virtual Result<Findings> check(const std::vector<std::string>& containers, Activity activity) = 0;
    // Drops partial downloads that got no byte for a day and that nobody writes: recover() does, and every pull.
    virtual Result<void> sweep_partials() = 0;
};

}  // namespace diatom::image
