#include "image/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <set>

#include "base/strings.h"
#include "image/blobs.h"
#include "image/catalog.h"
#include "image/layer_recipe.h"
#include "image/layers.h"
#include "image/load.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr std::size_t kMaxNote = 4096;          // bytes
constexpr std::uint64_t kReserve = 64U << 20U;  // bytes that an incoming archive leaves free

// Into a file, hashed on the way.
class KeepingSink final : public ByteSink {
public:
    KeepingSink(FdRef file, const std::string& directory) : file_(file), directory_(directory) {}
    Result<void> write(std::string_view bytes) override {
        hasher_.update(bytes);
        size_ += bytes.size();
        if (TRY(sys::free_space(directory_)).free < kReserve)
            return fail(Kind::exhausted, "no space left on the disk for the archive: remove images or containers");
        return sys::write_all(file_, bytes);
    }
    Digest finish() { return hasher_.finish(); }
    std::uint64_t size() const { return size_; }

private:
    FdRef file_;
    const std::string& directory_;
    Hasher hasher_;
    std::uint64_t size_ = 0;
};

std::int64_t created_seconds(const ImageConfig& config) {
    return sys::parse_rfc3339(config.created).value_or(0) / 1'000'000'000;
}

bool is_hex(std::string_view text) {
    return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

class DiskStore final : public Store {
public:
    DiskStore(std::string root, Catalog catalog)
        : root_(std::move(root)), catalog_(std::move(catalog)), blobs_(root_), layers_(root_, catalog_) {}

    Result<void> open() {
        TRY(blobs_.open());
        TRY(layers_.open());
        TRY(sys::make_dirs(empty_layer(), 0755));
        return sys::make_dirs(root_ + "/rootfs", 0711);
    }

    Result<bool> has_blob(const Digest& digest) override { return blobs_.has(digest); }
    Result<std::string> read_blob(const Digest& digest, std::size_t limit) override {
        return blobs_.read(digest, limit);
    }
    Result<std::unique_ptr<BlobWriter>> write_blob(const Descriptor& descriptor) override {
        return blobs_.write(descriptor);
    }
    Result<void> put_blob(const Digest& digest, std::string_view bytes) override { return blobs_.put(digest, bytes); }
    Result<bool> has_layer(const Digest& diff_id) override { return catalog_.has_layer(diff_id); }

    Result<void> unpack_layer(const Descriptor& blob, const Digest& diff_id, const ProgressSink& progress,
                              const std::atomic<bool>* cancelled) override {
        if (TRY(catalog_.has_layer(diff_id))) return blobs_.remove(blob.digest);
        auto opened = sys::open_path(blobs_.path(blob.digest), O_RDONLY);
        if (!opened && TRY(catalog_.has_layer(diff_id))) return {};  // somebody else was done just now
        const auto file = TRY(std::move(opened), "layer {}", blob.digest.text());
        auto unpacked =
            layers_.unpack(file, blob.size, diff_id, std::string(blob.digest.hex().substr(0, 12)), progress, cancelled);
        // The unpacked layer is all that is needed from here on; and a full disk needs the space more than another
        // attempt needs the blob.
        if (unpacked || unpacked.error().kind() == Kind::exhausted) TRY(blobs_.remove(blob.digest));
        return unpacked;
    }

    Result<SizedSource> open_layer(const Digest& diff_id) override {
        return open_layer_archive(layers_.directory(diff_id), diff_id);
    }
    Result<Digest> add_layer(const std::function<Result<void>(ByteSink&)>& produce) override;
    Result<std::string> layer_note(const Digest& diff_id, const std::string& key) override {
        auto text = sys::read_file(layers_.directory(diff_id) + "/" + key, kMaxNote);
        if (!text && text.error().kind() == Kind::not_found) return std::string();
        return text;
    }
    Result<void> put_layer_note(const Digest& diff_id, const std::string& key, std::string_view text) override {
        return sys::write_file_atomic(layers_.directory(diff_id) + "/" + key, text, 0600);
    }

    Result<std::map<Digest, std::uint64_t>> layer_sizes() override {
        std::map<Digest, std::uint64_t> sizes;
        for (const auto& layer : TRY(catalog_.layers())) sizes.emplace(layer.diff_id, layer.size);
        return sizes;
    }

    Result<ImageRecord> add_image(const Digest& config, const Digest& manifest, const std::string& tag,
                                  const std::string& repo_digest) override {
        auto raw = TRY(blobs_.read(config, kMaxManifest), "image configuration {}", config.text());
        const auto decoded = TRY(ImageConfig::decode(raw), "image configuration {}", config.text());
        for (const auto& diff_id : decoded.diff_ids) {
            if (!TRY(catalog_.has_layer(diff_id)))
                return fail(Kind::bug, "layer {} of image {} is not unpacked", diff_id.text(), config.text());
        }
        TRY(catalog_.add_image(
            {config, manifest, std::move(raw), decoded.diff_ids, created_seconds(decoded), tag, repo_digest}));
        return catalog_.image(config);
    }

    Result<ImageRecord> find(const std::string& name) override { return catalog_.image(TRY(find_id(name))); }
    Result<std::vector<ImageRecord>> list() override { return catalog_.images(); }

    Result<void> tag(const Digest& id, const Reference& reference) override {
        TRY(catalog_.image(id));
        return catalog_.tag(id, reference.full());
    }

    Result<Removed> remove(const std::string& name, bool force, const std::vector<Digest>& in_use) override;
    Result<std::vector<std::string>> load(FdRef archive, const ProgressSink& progress) override {
        return load_archive(archive, root_ + "/ingest", *this, layers_, progress);
    }

    Result<RootFs> create_rootfs(const std::string& container, const Digest& image) override {
        const auto directory = rootfs_directory(container);
        TRY(sys::make_dirs(directory, 0711), "root file system of {}", container);
        for (const auto* part : {"upper", "work", "merged"}) TRY(sys::make_dirs(directory + "/" + part, 0755));
        TRY(catalog_.add_rootfs(container, image));
        return rootfs(container);
    }

    Result<RootFs> rootfs(const std::string& container) override {
        if (!TRY(catalog_.rootfs_image(container)))
            return fail(Kind::not_found, "container {} has no root file system", container);
        const auto directory = rootfs_directory(container);
        RootFs rootfs{.directory = directory,
                      .upper = directory + "/upper",
                      .work = directory + "/work",
                      .merged = directory + "/merged"};
        // overlayfs refuses a directory that is there twice (ELOOP). Of a layer that repeats, the topmost says all that
        // the lower ones do: the same files, hiding the same names.
        const auto layers = TRY(catalog_.rootfs_layers(container));
        std::set<Digest> seen;
        for (const auto& diff_id : layers | std::views::reverse) {
            if (seen.insert(diff_id).second) rootfs.lower.push_back(layers_.path(diff_id));
        }
        if (rootfs.lower.empty())
            rootfs.lower.push_back(empty_layer());  // an image without layers; overlayfs wants one
        return rootfs;
    }

    Result<void> remove_rootfs(const std::string& container) override {
        TRY(catalog_.remove_rootfs(container));
        return sys::remove_tree(rootfs_directory(container));
    }

    Result<std::uint64_t> rootfs_size(const std::string& container) override;
    Result<void> recover(const std::vector<std::string>& containers) override;
    Result<void> sweep_partials() override { return blobs_.sweep_partials(); }

private:
    std::string empty_layer() const { return root_ + "/empty"; }
    std::string rootfs_directory(const std::string& container) const { return root_ + "/rootfs/" + container; }
    Result<Digest> find_id(const std::string& name);
    Result<Digest> find_by_prefix(const std::string& name, const std::string& prefix);
    Result<void> drop_image(const ImageRecord& image, Removed& removed);
    Result<void> drop_unused_layers();
    Result<void> drop_unreferenced_blobs();

    std::string root_;
    Catalog catalog_;
    Blobs blobs_;
    Layers layers_;
};

Result<Digest> DiskStore::add_layer(const std::function<Result<void>(ByteSink&)>& produce) {
    const auto path = std::format("{}/ingest/archive-{}", root_, sys::monotonic_ns());
    const auto file = TRY(sys::open_path(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    // Without a name from here on: whatever happens, it goes with its descriptor.
    TRY(sys::remove_file(path));
    KeepingSink sink(file, root_);
    TRY(produce(sink));
    if (::lseek(file.raw(), 0, SEEK_SET) != 0) return fail_errno(errno, "rewind the archive");
    auto diff_id = sink.finish();
    TRY(layers_.unpack(file, sink.size(), diff_id, std::string(diff_id.hex().substr(0, 12)), {}, nullptr));
    return diff_id;
}

Result<Digest> DiskStore::find_id(const std::string& name) {
    if (name.starts_with("sha256:")) return find_by_prefix(name, name.substr(7));
    if (const auto reference = Reference::parse(name)) {
        const auto full = reference->digest.empty() ? reference->full()
                                                    : std::format("{}/{}@{}", reference->domain, reference->repository,
                                                                  reference->digest.text());
        if (const auto found = TRY(catalog_.by_name(full))) return *found;
    }
    return find_by_prefix(name, name);
}

Result<Digest> DiskStore::find_by_prefix(const std::string& name, const std::string& prefix) {
    const auto missing = [&] { return fail(Kind::not_found, "No such image: {}", name); };
    if (!is_hex(prefix)) return missing();  // an empty prefix would be any image
    const auto found = TRY(catalog_.by_id_prefix(prefix));
    if (found.empty()) return missing();
    if (found.size() > 1)
        return fail(Kind::invalid, "the image id {} is ambiguous: {} images begin with it", name, found.size());
    return found.front();
}

Result<Store::Removed> DiskStore::remove(const std::string& name, bool force, const std::vector<Digest>& in_use) {
    const auto image = TRY(find(name));
    const bool used = std::ranges::find(in_use, image.id) != in_use.end();
    const auto reference = Reference::parse(name);
    const bool by_tag = reference && std::ranges::find(image.tags, reference->full()) != image.tags.end() &&
                        !name.starts_with("sha256:");
    Removed removed;
    if (by_tag && image.tags.size() > 1) {
        TRY(catalog_.untag(reference->full()));
        removed.untagged.push_back(reference->familiar());
        return removed;
    }
    const auto short_id = std::string(image.id.hex().substr(0, 12));
    if (used && !force)
        return fail(Kind::conflict,
                    "conflict: unable to remove {} (must be forced) - image {} is being used by a container", name,
                    short_id);
    if (!by_tag && image.tags.size() > 1 && !force) {
        return fail(Kind::conflict,
                    "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
                    short_id);
    }
    for (const auto* names : {&image.tags, &image.repo_digests}) {
        for (const auto& full : *names) {
            TRY(catalog_.untag(full));
            const auto parsed = Reference::parse(full);
            removed.untagged.push_back(parsed ? parsed->familiar() : full);
        }
    }
    if (!used) TRY(drop_image(image, removed));
    return removed;
}

Result<void> DiskStore::drop_image(const ImageRecord& image, Removed& removed) {
    TRY(catalog_.remove_image(image.id));
    removed.deleted.push_back(image.id.text());
    TRY(blobs_.remove(image.id));
    if (!image.manifest.empty()) TRY(blobs_.remove(image.manifest));
    for (const auto& diff_id : TRY(catalog_.unused_layers())) {
        if (std::ranges::find(image.config.diff_ids, diff_id) == image.config.diff_ids.end()) continue;
        TRY(layers_.remove(diff_id));
        removed.deleted.push_back(diff_id.text());
    }
    return {};
}

Result<std::uint64_t> DiskStore::rootfs_size(const std::string& container) {
    return TRY(sys::tree_size(rootfs_directory(container) + "/upper"), "root file system of {}", container);
}

Result<void> DiskStore::recover(const std::vector<std::string>& containers) {
    for (const auto& name : TRY(sys::list_dir(root_ + "/ingest"))) {
        if (!name.ends_with(".part")) TRY(sys::remove_tree(root_ + "/ingest/" + name));  // partial downloads resume
    }
    TRY(sweep_partials());
    const std::set<std::string> known(containers.begin(), containers.end());
    for (const auto& container : TRY(catalog_.rootfs_containers())) {
        if (!known.contains(container)) TRY(catalog_.remove_rootfs(container));
    }
    for (const auto& name : TRY(sys::list_dir(root_ + "/rootfs"))) {
        if (!known.contains(name)) TRY(sys::remove_tree(rootfs_directory(name)));
    }
    TRY(layers_.reconcile());
    TRY(drop_unused_layers());
    return drop_unreferenced_blobs();
}

Result<void> DiskStore::drop_unused_layers() {
    for (const auto& diff_id : TRY(catalog_.unused_layers())) TRY(layers_.remove(diff_id));
    return {};
}

Result<void> DiskStore::drop_unreferenced_blobs() {
    std::set<Digest> wanted;
    for (const auto& image : TRY(catalog_.images())) {
        wanted.insert(image.id);
        wanted.insert(image.manifest);
    }
    for (const auto& digest : TRY(blobs_.list())) {
        if (!wanted.contains(digest)) TRY(blobs_.remove(digest));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& root) {
    TRY(sys::make_dirs(root, 0711), "image store");
    auto store = std::make_unique<DiskStore>(root, TRY(Catalog::open(root + "/store.db")));
    TRY(store->open(), "image store {}", root);
    return store;
}

}  // namespace diatom::image
