#include "image/load.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "image/extract.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

// An archive that was unpacked, read through its root.
class Loader {
public:
    Loader(Fd root, Store& store, Layers& layers, const ProgressSink& progress)
        : root_(std::move(root)), store_(store), layers_(layers), progress_(progress), lease_(store.lease()) {}

    Result<std::vector<std::string>> run() {
        if (auto manifest = open("manifest.json")) return load_docker(TRY(parse(*manifest, "manifest.json")));
        if (auto index = open("index.json")) return load_layout(TRY(parse(*index, "index.json")));
        return fail(
            Kind::invalid,
            "the archive is neither of docker save nor an OCI layout: it has no manifest.json and no index.json");
    }

private:
    Result<Fd> open(const std::string& name) const {
        return sys::open_in_root(root_, "/" + name, O_RDONLY | O_NONBLOCK);
    }

    static Result<Json> parse(FdRef file, std::string_view what) {
        return parse_json(TRY(sys::read_all(file, kMaxManifest), "{}", what), what);
    }

    static std::string blob_path(const Digest& digest) {
        return std::format("blobs/{}/{}", digest.algorithm(), digest.hex());
    }

    Result<std::vector<std::string>> load_docker(const Json& manifest) {
        std::vector<std::string> names;
        if (!manifest.is_array()) return fail(Kind::invalid, "manifest.json: must be a list of images");
        for (const auto& image : manifest) {
            const auto config = TRY(json_string(image, "Config"));
            const auto tags = TRY(json_strings(image, "RepoTags"));
            const auto id =
                TRY(add(config, TRY(json_strings(image, "Layers"))), "{}", tags.empty() ? config : tags.front());
            TRY(name_image(id, {}, tags, names));
        }
        return names;
    }

    Result<std::vector<std::string>> load_layout(const Json& index) {
        std::vector<std::string> names;
        for (const auto& entry : json_member(index, "manifests")) {
            const Json& annotations = json_member(entry, "annotations");
            auto name = TRY(json_string(annotations, "io.containerd.image.name"));
            if (name.empty()) name = TRY(json_string(annotations, "org.opencontainers.image.ref.name"));
            const auto digest = TRY(Digest::parse(TRY(json_string(entry, "digest"))), "index.json");
            const auto [id, manifest] = TRY(add_manifest(digest, TRY(json_string(entry, "mediaType"))));
            // A bare tag ("latest") names no repository.
            const bool named = name.find_first_of("/:") != std::string::npos;
            TRY(name_image(id, manifest, named ? std::vector{name} : std::vector<std::string>{}, names));
        }
        return names;
    }

    Result<std::pair<Digest, Digest>> add_manifest(const Digest& digest, std::string_view media_type) {
        const auto file = TRY(open(blob_path(digest)), "manifest {}", digest.text());
        const auto text = TRY(sys::read_all(file, kMaxManifest));
        if (Digest::of(text) != digest)
            return fail(Kind::corrupt, "manifest {} has other bytes than its digest says", digest.text());
        const auto document = TRY(decode_manifest(text, media_type), "manifest {}", digest.text());
        if (const auto* index = std::get_if<Index>(&document)) {
            const auto chosen = TRY(index->select(Platform::host()));
            return add_manifest(chosen.digest, chosen.media_type);
        }
        const auto& manifest = std::get<Manifest>(document);
        std::vector<std::string> layers;
        for (const auto& layer : manifest.layers) layers.push_back(blob_path(layer.digest));
        const auto id = TRY(add(blob_path(manifest.config.digest), layers));
        if (id != manifest.config.digest)
            return fail(Kind::corrupt, "configuration {} has other bytes than its digest says",
                        manifest.config.digest.text());
        lease_->hold(digest);
        TRY(store_.put_blob(digest, text));
        return std::pair{id, digest};
    }

    Result<Digest> add(const std::string& config_path, const std::vector<std::string>& layers) {
        const auto file = TRY(open(config_path), "image configuration");
        const auto raw = TRY(sys::read_all(file, kMaxManifest), "image configuration");
        const auto config = TRY(ImageConfig::decode(raw), "image configuration");
        if (config.diff_ids.size() != layers.size()) {
            return fail(Kind::corrupt, "the image lists {} layers and its configuration {}", layers.size(),
                        config.diff_ids.size());
        }
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const auto layer = TRY(open(layers[i]), "layer {}", layers[i]);
            struct stat about{};
            if (::fstat(layer.raw(), &about) != 0 || !S_ISREG(about.st_mode))
                return fail(Kind::invalid, "layer {} is not a file", layers[i]);
            const auto label = std::string(config.diff_ids[i].hex().substr(0, 12));
            lease_->hold(config.diff_ids[i]);
            TRY(layers_.unpack({.archive = file_source(layer),
                                .size = static_cast<std::uint64_t>(about.st_size),
                                .diff_id = config.diff_ids[i],
                                .label = label,
                                .progress = progress_}));
        }
        auto id = Digest::of(raw);
        lease_->hold(id);
        TRY(store_.put_blob(id, raw));
        return id;
    }

    Result<void> name_image(const Digest& id, const Digest& manifest, const std::vector<std::string>& tags,
                            std::vector<std::string>& names) {
        if (tags.empty()) {
            TRY(store_.add_image(id, manifest, {}, {}));
            names.push_back(id.text());
        }
        for (const auto& tag : tags) {
            const auto reference = TRY(Reference::parse(tag));
            TRY(store_.add_image(id, manifest, reference.full(), {}));
            names.push_back(reference.full());
        }
        return {};
    }

    Fd root_;
    Store& store_;
    Layers& layers_;
    const ProgressSink& progress_;
    std::shared_ptr<Lease> lease_;
};

// What is taken out is opened later, and opening a device of the host has effects, whatever is read.
Result<std::optional<TarEntry>> refuse_devices(const TarEntry& entry) {
    switch (entry.type) {
        case EntryType::file:
        case EntryType::directory:
        case EntryType::symlink:
        case EntryType::hardlink: return entry;
        default: return fail(Kind::invalid, "{}: an archive of images has no devices and pipes", entry.path);
    }
}

}  // namespace

Result<std::vector<std::string>> load_archive(FdRef archive, const std::string& scratch, Store& store, Layers& layers,
                                              const ProgressSink& progress) {
    const auto directory = std::format("{}/load-{}", scratch, sys::monotonic_ns());
    TRY(sys::make_dirs(directory, 0700));
    const auto load = [&]() -> Result<std::vector<std::string>> {
        auto root = TRY(sys::open_path(directory, O_RDONLY | O_DIRECTORY));
        std::atomic<std::uint64_t> read = 0;
        const auto source = limit_inflation(TRY(decompress(file_source(archive, &read)), "read the archive"), read, {});
        const ExtractLimits limits{.directory = scratch, .rewrite = refuse_devices};
        TRY(extract_tar(*source, root, Whiteouts::literal, limits), "read the archive");
        return Loader(std::move(root), store, layers, progress).run();
    };
    auto loaded = load();
    auto removed = sys::remove_tree(directory);
    if (loaded && !removed) return forward_error(std::move(removed));
    return loaded;
}

}  // namespace diatom::image
