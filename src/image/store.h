// The image store: content-addressed blobs, unpacked layers, images and tags, and the root file systems of containers.
// Nothing is visible until it is complete, verified and durable; a crash at any write leaves the old state.
//
//   ROOT/blobs/sha256/HEX            manifests and configurations
//   ROOT/ingest/…                    partial downloads (incoming_blob.h), resumable for a day, and half-made things
//   ROOT/layers/HEX(diff_id)/fs      unpacked layers, each independent of its parents
//   ROOT/layers/HEX(diff_id)/recipe  how to make the layer's archive again (layer_recipe.h)
//   ROOT/rootfs/CONTAINER/{upper,work,merged}
//   ROOT/store.db                    SQLite: images, tags, layers
//
// What no image and no root file system names is garbage, unless a lease holds it. Whoever makes an image takes a lease
// first, holds each digest before looking for it in the store, and lets go when the image is there; whoever collects
// never takes what is held. Leases end with the process: recover() finds what they held.
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
#include "image/incoming_blob.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "sys/clock.h"

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

// While it lives, what it holds is not collected. Thread side: any.
class Lease {
public:
    virtual ~Lease() = default;
    virtual void hold(const Digest& digest) = 0;  // a blob or a layer, which need not be there yet
};

// What becomes of the layers and partial downloads of pulls that did not come to their end.
enum class Leftovers {
    keep_a_day,  // the next attempt goes on from them
    remove,      // the disk is full, or somebody cleans up
};

// A full disk needs the space more than the next attempt needs what this one got.
inline Leftovers leftovers_of(const Error& failure) {
    return failure.kind() == Kind::exhausted ? Leftovers::remove : Leftovers::keep_a_day;
}

struct RootFs {
    std::string directory;           // ROOT/rootfs/CONTAINER
    std::vector<std::string> lower;  // top first
    std::string upper, work, merged;
};

class Store {
public:
    virtual ~Store() = default;
    // `wall_ns`: by which leftovers grow old.
    static Result<std::unique_ptr<Store>> open(const std::string& root,
                                               std::function<std::int64_t()> wall_ns = sys::wall_ns);

    virtual std::shared_ptr<Lease> lease() = 0;

    virtual Result<bool> has_blob(const Digest& digest) = 0;
    virtual Result<std::string> read_blob(const Digest& digest, std::size_t limit) = 0;
    // A blob from elsewhere, to commit() or to unpack. Kind::conflict while another has it open.
    virtual Result<std::shared_ptr<IncomingBlob>> receive_blob(const Descriptor& descriptor) = 0;
    virtual Result<void> put_blob(const Digest& digest, std::string_view bytes) = 0;  // verified
    virtual Result<bool> has_layer(const Digest& diff_id) = 0;
    // Unpacks a layer while its blob comes in; the layer is there when both digests were right, and the blob is gone
    // then. Idempotent; safe in parallel. A failure that is not the download's stops the blob.
    virtual Result<void> unpack_layer(const std::shared_ptr<IncomingBlob>& blob, const Digest& diff_id,
                                      const ProgressSink& progress, const std::atomic<bool>* cancelled = nullptr) = 0;

    // The layer's archive, the same bytes as it came with (layer_recipe.h).
    virtual Result<SizedSource> open_layer(const Digest& diff_id) = 0;
    // A layer out of a plain archive that `produce` writes and whose diff id nobody knows yet; returns it, held.
    virtual Result<Digest> add_layer(const std::function<Result<void>(ByteSink&)>& produce, Lease& lease) = 0;
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
    // Removes a tag, and the image with its unshared layers once untagged. `in_use`: images that containers need,
    // beside those that have a root file system here.
    virtual Result<Removed> remove(const std::string& name, bool force, const std::vector<Digest>& in_use) = 0;
    // A `docker save` archive or OCI layout, possibly compressed, from a stream.
    virtual Result<std::vector<std::string>> load(FdRef archive, const ProgressSink& progress) = 0;

    virtual Result<RootFs> create_rootfs(const std::string& container, const Digest& image) = 0;
    virtual Result<RootFs> rootfs(const std::string& container) = 0;
    virtual Result<void> remove_rootfs(const std::string& container) = 0;
    virtual Result<std::uint64_t> rootfs_size(const std::string& container) = 0;  // bytes of the upper layer
    // A root file system that there must be. Without an image: a container whose record cannot be read.
    struct Root {
        std::string container;
        std::optional<Digest> image;
    };
    // After a crash: drops half-unpacked layers, unreferenced rootfs directories and garbage, and makes what a power
    // cut took of `roots`, whose changes are on the disk only with a later one. Called once at start.
    virtual Result<void> recover(const std::vector<Root>& roots) = 0;
    // Compares the disk with the database. `containers`: names of the root file systems that there may be. At rest
    // no image and no root file system is being made: what no record mentions is left over.
    enum class Activity : std::uint8_t { at_rest, at_work };
    virtual Result<Findings> check(const std::vector<std::string>& containers, Activity activity) = 0;
    // Removes garbage: what nothing names, holds or has open.
    virtual Result<void> collect(Leftovers leftovers) = 0;
};

}  // namespace diatom::image
