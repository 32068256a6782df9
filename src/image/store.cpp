#include "image/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ranges>
#include <set>

#include "base/strings.h"
#include "image/disk_store.h"
#include "image/layer_recipe.h"
#include "image/load.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

constexpr std::size_t kMaxNote = 4096;          // bytes
constexpr std::uint64_t kReserve = 64U << 20U;  // bytes that an incoming archive leaves free
constexpr std::int64_t kDay = 24 * 3600;        // seconds

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

// The digest of a blob, taken while it is read ahead of the inflation.
class BlobExaminer final : public ByteExaminer {
public:
    explicit BlobExaminer(std::string_view algorithm) : hasher_(algorithm) {}
    Result<void> examine(std::span<const std::uint8_t> bytes) override {
        hasher_.update(bytes);
        return {};
    }
    Digest finish() { return hasher_.finish(); }

private:
    Hasher hasher_;
};

}  // namespace

Result<void> DiskStore::open() {
    TRY(blobs_.open());
    TRY(layers_.open());
    TRY(sys::make_dirs(empty_layer(), 0755));
    return sys::make_dirs(root_ + "/rootfs", 0711);
}

// Three threads: the blob's digest, the inflation and the layer's digest, the files.
Result<void> DiskStore::unpack_layer(const std::shared_ptr<IncomingBlob>& blob, const Digest& diff_id,
                                     const ProgressSink& progress, const std::atomic<bool>* cancelled) {
    const auto& descriptor = blob->descriptor();
    BlobExaminer examiner(descriptor.digest.algorithm());
    auto unpacked = layers_.unpack({.archive = read_ahead(IncomingBlob::reader(blob), examiner),
                                    .size = descriptor.size,
                                    .diff_id = diff_id,
                                    .label = std::string(descriptor.digest.hex().substr(0, 12)),
                                    .progress = progress,
                                    .cancelled = cancelled,
                                    .verified = [&] { return blob->check(examiner.finish()); },
                                    .kept_until = now() + kDay});
    if (unpacked) {
        blob->stop(Error(Kind::cancelled, "the layer is there already"));  // another pull had it in another form
        blob->give_up();
        return {};
    }
    const auto kind = unpacked.error().kind();
    const bool damaged = kind == Kind::corrupt || kind == Kind::invalid;
    // Wrong bytes look like a damaged archive. Which of the two it is decides who is to blame.
    if (damaged && (cancelled == nullptr || !*cancelled)) {
        if (auto verified = IncomingBlob::verify(blob); !verified) unpacked = std::move(verified);
    }
    blob->stop(unpacked.error());
    // What is wrong is of no use to the next attempt, and a full disk needs the space more.
    if (damaged || kind == Kind::exhausted) blob->give_up();
    return unpacked;
}

Result<SizedSource> DiskStore::open_layer(const Digest& diff_id) {
    return open_layer_archive(layers_.directory(diff_id), diff_id);
}

Result<std::string> DiskStore::layer_note(const Digest& diff_id, const std::string& key) {
    auto text = sys::read_file(layers_.directory(diff_id) + "/" + key, kMaxNote);
    if (!text && text.error().kind() == Kind::not_found) return std::string();
    return text;
}

Result<void> DiskStore::put_layer_note(const Digest& diff_id, const std::string& key, std::string_view text) {
    return sys::write_file_atomic(layers_.directory(diff_id) + "/" + key, text, 0600);
}

Result<std::map<Digest, std::uint64_t>> DiskStore::layer_sizes() {
    std::map<Digest, std::uint64_t> sizes;
    for (const auto& layer : TRY(catalog_.layers())) sizes.emplace(layer.diff_id, layer.size);
    return sizes;
}

Result<ImageRecord> DiskStore::add_image(const Digest& config, const Digest& manifest, const std::string& tag,
                                         const std::string& repo_digest) {
    const auto held = lease();
    held->hold(config);
    if (!manifest.empty()) held->hold(manifest);
    auto raw = TRY(blobs_.read(config, kMaxManifest), "image configuration {}", config.text());
    const auto decoded = TRY(ImageConfig::decode(raw), "image configuration {}", config.text());
    for (const auto& diff_id : decoded.diff_ids) {
        held->hold(diff_id);
        if (!TRY(catalog_.has_layer(diff_id)))
            return fail(Kind::bug, "layer {} of image {} is not unpacked", diff_id.text(), config.text());
    }
    return catalog_.add_image(
        {config, manifest, std::move(raw), decoded.diff_ids, created_seconds(decoded), tag, repo_digest});
}

Result<void> DiskStore::tag(const Digest& id, const Reference& reference) { return catalog_.tag(id, reference.full()); }

Result<std::vector<std::string>> DiskStore::load(FdRef archive, const ProgressSink& progress) {
    auto loaded = load_archive(archive, root_ + "/ingest", *this, layers_, progress);
    if (loaded) return loaded;
    if (auto collected = collect(leftovers_of(loaded.error())); !collected)
        log::warning("what no image uses stays on the disk", {{"error", collected.error().what()}});
    return loaded;
}

Result<void> DiskStore::make_rootfs_directories(const std::string& container) {
    const auto directory = rootfs_directory(container);
    TRY(sys::make_dirs(directory, 0711), "root file system of {}", container);
    for (const auto* part : {"upper", "work", "merged"})
        TRY(sys::make_dirs(directory + "/" + part, 0755), "root file system of {}", container);
    return {};
}

Result<RootFs> DiskStore::create_rootfs(const std::string& container, const Digest& image) {
    // First: from here on nobody takes the layers away.
    TRY(catalog_.add_rootfs(container, image));
    auto made = [&]() -> Result<RootFs> {
        TRY(make_rootfs_directories(container));
        return rootfs(container);
    }();
    if (made) return made;
    if (auto undone = remove_rootfs(container); !undone)
        log::warning("a half-made root file system stays until the next start", {{"error", undone.error().what()}});
    return made;
}

Result<RootFs> DiskStore::rootfs(const std::string& container) {
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
    if (rootfs.lower.empty()) rootfs.lower.push_back(empty_layer());  // an image without layers; overlayfs wants one
    return rootfs;
}

Result<Digest> DiskStore::add_layer(const std::function<Result<void>(ByteSink&)>& produce, Lease& lease) {
    const auto path = std::format("{}/ingest/archive-{}", root_, sys::monotonic_ns());
    const auto file = TRY(sys::open_path(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    // Without a name from here on: whatever happens, it goes with its descriptor.
    TRY(sys::remove_file(path));
    KeepingSink sink(file, root_);
    TRY(produce(sink));
    if (::lseek(file.raw(), 0, SEEK_SET) != 0) return fail_errno(errno, "rewind the archive");
    auto diff_id = sink.finish();
    lease.hold(diff_id);
    const ProgressSink nobody;
    TRY(layers_.unpack({.archive = file_source(file),
                        .size = sink.size(),
                        .diff_id = diff_id,
                        .label = std::string(diff_id.hex().substr(0, 12)),
                        .progress = nobody}));
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

Result<std::uint64_t> DiskStore::rootfs_size(const std::string& container) {
    return TRY(sys::tree_size(rootfs_directory(container) + "/upper"), "root file system of {}", container);
}

Result<std::unique_ptr<Store>> Store::open(const std::string& root, std::function<std::int64_t()> wall_ns) {
    TRY(sys::make_dirs(root, 0711), "image store");
    auto store = std::make_unique<DiskStore>(root, TRY(Catalog::open(root + "/store.db")), std::move(wall_ns));
    TRY(store->open(), "image store {}", root);
    return store;
}

}  // namespace diatom::image
