#include "image/save.h"

#include <algorithm>
#include <optional>
#include <set>

#include "image/tar_writer.h"

namespace diatom::image {
namespace {

std::string blob_path(const Digest& digest) { return std::format("blobs/{}/{}", digest.algorithm(), digest.hex()); }

bool names_a_tag(std::string_view name) {
    const auto slash = name.rfind('/');
    return name.substr(slash == std::string_view::npos ? 0 : slash).contains(':');
}

// What stands in the archive, in order: known as a whole before its first byte, so that what is missing is told in
// time.
struct Part {
    std::string path;
    std::uint64_t size = 0;
    std::optional<Digest> layer;  // whose archive it is; else `text`
    std::string text;
};

class Plan {
public:
    Plan(Store& store, Lease& lease) : store_(store), lease_(lease) {}

    Result<std::vector<Part>> of(const std::vector<SavedImage>& images) {
        for (const auto& saved : images) TRY(add(saved), "image {}", saved.image.id.text());
        add_file("index.json", dump_json({{"schemaVersion", 2},
                                          {"mediaType", "application/vnd.oci.image.index.v1+json"},
                                          {"manifests", index_}}));
        add_file("manifest.json", dump_json(docker_));
        add_file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        return std::move(parts_);
    }

private:
    Result<void> add(const SavedImage& saved) {
        const auto& image = saved.image;
        Json descriptors = Json::array();
        Json paths = Json::array();
        for (const auto& diff_id : image.config.diff_ids) {
            const auto size = TRY(add_layer(diff_id));
            descriptors.push_back(encode_descriptor({kPlainLayerType, diff_id, size, {}}));
            paths.push_back(blob_path(diff_id));
        }
        const Descriptor config{kConfigType, image.id, image.raw_config.size(), {}};
        add_blob(image.id, image.raw_config);
        const auto manifest = encode_manifest(config, descriptors);
        const auto digest = Digest::of(manifest);
        add_blob(digest, manifest);
        const Json entry = encode_descriptor({kManifestType, digest, manifest.size(), image.config.platform});
        if (saved.tags.empty()) index_.push_back(entry);
        Json tags = Json::array();
        for (const auto& tag : saved.tags) {
            const auto reference = TRY(Reference::parse(tag));
            tags.push_back(reference.familiar());
            index_.push_back(entry);
            index_.back()["annotations"] = {{"io.containerd.image.name", reference.full()},
                                            {"org.opencontainers.image.ref.name", reference.tag}};
        }
        docker_.push_back({{"Config", blob_path(image.id)}, {"RepoTags", tags}, {"Layers", paths}});
        return {};
    }

    void add_file(std::string path, std::string text) {
        const auto size = text.size();
        parts_.push_back({.path = std::move(path), .size = size, .layer = {}, .text = std::move(text)});
    }
    void add_blob(const Digest& digest, std::string text) {
        if (planned_.insert(digest).second) add_file(blob_path(digest), std::move(text));
    }
    Result<std::uint64_t> add_layer(const Digest& diff_id) {
        lease_.hold(diff_id);
        const auto size = TRY(store_.open_layer(diff_id)).size;
        if (planned_.insert(diff_id).second)
            parts_.push_back({.path = blob_path(diff_id), .size = size, .layer = diff_id, .text = {}});
        return size;
    }

    Store& store_;
    Lease& lease_;
    std::vector<Part> parts_;
    std::set<Digest> planned_;
    Json index_ = Json::array(), docker_ = Json::array();
};

class SavedArchive final : public TarSource {
public:
    SavedArchive(Store& store, std::shared_ptr<Lease> lease, std::vector<Part> parts)
        : store_(store), lease_(std::move(lease)), parts_(std::move(parts)) {}

private:
    Result<bool> step(TarWriter& tar) override {
        if (layer_) {
            TRY(copy(tar));
            return true;
        }
        if (next_ == 0) {
            TRY(tar.directory("blobs"));
            TRY(tar.directory("blobs/sha256"));
        }
        if (next_ == parts_.size()) return false;
        const auto& part = parts_[next_++];
        if (!part.layer) {
            TRY(tar.file(part.path, part.text));
            return true;
        }
        layer_ = TRY(store_.open_layer(*part.layer)).source;
        TRY(tar.begin({.path = part.path, .mode = 0644, .size = part.size}));
        return true;
    }

    Result<void> copy(TarWriter& tar) {
        piece_.resize(kPiece);
        const auto got = TRY(layer_->read({reinterpret_cast<std::uint8_t*>(piece_.data()), piece_.size()}));
        if (got > 0) return tar.data(std::string_view(piece_).substr(0, got));
        layer_.reset();
        return tar.end_file();
    }

    Store& store_;
    std::shared_ptr<Lease> lease_;  // of the layers that are to be read
    std::vector<Part> parts_;
    std::size_t next_ = 0;
    std::unique_ptr<ByteSource> layer_;  // being copied
    std::string piece_;
};

}  // namespace

Result<std::vector<SavedImage>> choose_images(Store& store, const std::vector<std::string>& names) {
    std::vector<SavedImage> chosen;
    const auto place_of = [&](ImageRecord record) -> SavedImage& {
        for (auto& saved : chosen) {
            if (saved.image.id == record.id) return saved;
        }
        return chosen.emplace_back(SavedImage{std::move(record), {}});
    };
    const auto add_tag = [](SavedImage& saved, const std::string& tag) {
        if (!std::ranges::contains(saved.tags, tag)) saved.tags.push_back(tag);
    };
    for (const auto& name : names) {
        const auto reference = Reference::parse(name);
        bool found = false;
        if (reference && reference->digest.empty() && !names_a_tag(name)) {  // a repository: all of its tags
            for (auto& record : TRY(store.list())) {
                for (const auto& tag : std::vector(record.tags)) {
                    const auto parsed = TRY(Reference::parse(tag));
                    if (parsed.domain != reference->domain || parsed.repository != reference->repository) continue;
                    add_tag(place_of(record), tag);
                    found = true;
                }
            }
        }
        if (found) continue;
        auto record = TRY(store.find(name));
        const bool tagged = reference && std::ranges::contains(record.tags, reference->full());
        auto& saved = place_of(std::move(record));
        if (tagged) add_tag(saved, reference->full());
    }
    return chosen;
}

Result<std::unique_ptr<ByteSource>> save_archive(Store& store, const std::vector<SavedImage>& images) {
    auto lease = store.lease();
    auto parts = TRY(Plan(store, *lease).of(images));
    return std::make_unique<SavedArchive>(store, std::move(lease), std::move(parts));
}

}  // namespace diatom::image
