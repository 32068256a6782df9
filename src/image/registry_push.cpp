#include "image/registry_push.h"

#include <algorithm>

#include "base/strings.h"
#include "proc/on_worker.h"

namespace diatom::image {
namespace {

using proc::on_worker;
constexpr std::size_t kPiece = 6U << 20U;  // bytes of one request; stores behind registries want five MiB at least
const std::map<std::string, std::string> kOctets{{"Content-Type", "application/octet-stream"}};
constexpr const char* kNote = "gzip";  // "DIGEST SIZE" of a layer's compressed form, once known

std::string short_id(const Digest& digest) { return std::string(digest.hex().substr(0, 12)); }

// Reads until `piece` is full; less only at the end.
Result<std::string> read_piece(ByteSource& source) {
    std::string piece(kPiece, '\0');
    std::size_t filled = 0;
    while (filled < piece.size()) {
        const auto got =
            TRY(source.read({reinterpret_cast<std::uint8_t*>(piece.data()) + filled, piece.size() - filled}));
        if (got == 0) break;
        filled += got;
    }
    piece.resize(filled);
    return piece;
}

Result<Descriptor> noted(Store& store, const Digest& diff_id) {
    const auto note = TRY(store.layer_note(diff_id, kNote));
    const auto halves = cut(note, ' ');
    const auto digest = halves ? Digest::parse(halves->first) : Result<Digest>(Digest());
    const auto size = halves ? parse_uint(halves->second) : std::nullopt;
    if (!digest || !size) return Descriptor{};
    return Descriptor{kGzipLayerType, *digest, *size, {}};
}

std::string with_digest(const std::string& location, const Digest& digest) {
    return std::format("{}{}digest={}", location, location.contains('?') ? '&' : '?', digest.text());
}

class Pusher {
public:
    Pusher(RegistrySession& session, Store& store, boost::asio::thread_pool::executor_type workers, Reference reference,
           ProgressSink progress)
        : session_(session),
          store_(store),
          workers_(std::move(workers)),
          reference_(std::move(reference)),
          progress_(std::move(progress)) {}

    Task<Pushed> run(ImageRecord image);

private:
    struct Place {
        Descriptor blob;       // empty digest: not there
        std::string location;  // of an upload that the registry began instead of a mount
    };
    Task<Descriptor> push_layer(const ImageRecord& image, Digest diff_id, Descriptor original);
    Task<Place> find_or_mount(const ImageRecord& image, Digest diff_id, Descriptor original);
    Task<bool> has_blob(Digest digest);
    Task<Descriptor> upload_layer(Digest diff_id, std::string location);
    Task<Descriptor> upload_once(Digest diff_id, std::string location);
    Task<void> push_config(const ImageRecord& image);
    Task<std::string> begin_upload();
    Task<void> finish_upload(std::string location, Digest digest, std::string body);
    Task<void> put_manifest(std::string bytes, std::string media_type);
    Task<Manifest> original_manifest(const ImageRecord& image, std::string& bytes);

    RegistrySession& session_;
    Store& store_;
    boost::asio::thread_pool::executor_type workers_;
    Reference reference_;
    ProgressSink progress_;
};

// The manifest that the image came with, where it is kept.
Task<Manifest> Pusher::original_manifest(const ImageRecord& image, std::string& bytes) {
    if (image.manifest.empty()) co_return Manifest{};
    auto read = co_await on_worker(workers_, [&] { return store_.read_blob(image.manifest, kMaxManifest); });
    if (!read) co_return Manifest{};
    bytes = std::move(*read);
    auto document = CO_TRY(decode_manifest(bytes, {}));
    auto* manifest = std::get_if<Manifest>(&document);
    if (manifest == nullptr || manifest->layers.size() != image.config.diff_ids.size()) co_return Manifest{};
    co_return std::move(*manifest);
}

Task<Pushed> Pusher::run(ImageRecord image) {
    const auto& diff_ids = image.config.diff_ids;
    for (const auto& diff_id : diff_ids) progress_({short_id(diff_id), "Preparing", 0, 0});
    std::string bytes;
    auto kept = co_await original_manifest(image, bytes);
    const auto original = CO_TRY(std::move(kept));
    const bool known = !original.config.digest.empty();
    bool same = known;
    Json layers = Json::array();
    for (std::size_t i = 0; i < diff_ids.size(); ++i) {
        const auto wanted = known ? original.layers[i] : Descriptor{};
        auto pushed = co_await push_layer(image, diff_ids[i], wanted);
        const auto blob = CO_TRY(std::move(pushed), "layer {}", short_id(diff_ids[i]));
        same = same && blob.digest == wanted.digest;
        layers.push_back(encode_descriptor(blob));
    }
    auto config = co_await push_config(image);
    CO_TRY(std::move(config), "image configuration");
    std::string media_type = kManifestType;
    if (same) {
        const auto document = CO_TRY(parse_json(bytes, "manifest"));
        media_type = CO_TRY(json_string(document, "mediaType", kManifestType));
    } else {
        bytes = encode_manifest({kConfigType, image.id, image.raw_config.size(), {}}, layers);
    }
    const Pushed pushed{.manifest = Digest::of(bytes), .size = bytes.size()};
    auto put = co_await put_manifest(std::move(bytes), std::move(media_type));
    CO_TRY(std::move(put));
    co_return pushed;
}

Task<bool> Pusher::has_blob(Digest digest) {
    auto answered = co_await session_.send("HEAD", "blobs/" + digest.text());
    const auto response = CO_TRY(std::move(answered));
    if (response->status() == 200) co_return true;
    if (response->status() == 404) co_return false;
    auto refused = co_await session_.refuse_push(*response, "look for a blob");
    co_return forward_error(std::move(refused));
}

Task<Pusher::Place> Pusher::find_or_mount(const ImageRecord& image, Digest diff_id, Descriptor original) {
    auto read = co_await on_worker(workers_, [&] { return noted(store_, diff_id); });
    const auto note = CO_TRY(std::move(read));
    const auto id = short_id(diff_id);
    for (const auto& blob : {original, note}) {
        if (blob.digest.empty()) continue;
        auto looked = co_await has_blob(blob.digest);
        const bool there = CO_TRY(std::move(looked));
        if (!there) continue;
        progress_({id, "Layer already exists", 0, 0});
        co_return Place{blob, {}};
    }
    const auto& blob = original.digest.empty() ? note : original;
    if (blob.digest.empty()) co_return Place{};
    for (const auto& name : image.repo_digests) {
        const auto other = Reference::parse(name);
        if (!other || other->domain != reference_.domain || other->repository == reference_.repository) continue;
        auto answered = co_await session_.send(
            "POST", std::format("blobs/uploads/?mount={}&from={}", blob.digest.text(), other->repository));
        const auto response = CO_TRY(std::move(answered));
        if (response->status() == 201) {
            progress_({id, "Mounted from " + other->repository, 0, 0});
            co_return Place{blob, {}};
        }
        if (response->status() == 202) co_return Place{{}, response->header("Location")};
        break;  // it does not mount: upload, and hear the reason there
    }
    co_return Place{};
}

Task<Descriptor> Pusher::push_layer(const ImageRecord& image, Digest diff_id, Descriptor original) {
    auto found = co_await find_or_mount(image, diff_id, std::move(original));
    auto place = CO_TRY(std::move(found));
    if (!place.blob.digest.empty()) co_return std::move(place.blob);
    auto uploaded = co_await upload_layer(diff_id, std::move(place.location));
    auto blob = CO_TRY(std::move(uploaded));
    const auto note = std::format("{} {}", blob.digest.text(), blob.size);
    auto kept = co_await on_worker(workers_, [&] { return store_.put_layer_note(diff_id, kNote, note); });
    CO_TRY(std::move(kept));
    progress_({short_id(diff_id), "Pushed", 0, 0});
    co_return blob;
}

Task<Descriptor> Pusher::upload_layer(Digest diff_id, std::string location) {
    for (int attempt = 1;; ++attempt) {
        auto uploaded = co_await upload_once(diff_id, std::exchange(location, {}));
        if (uploaded || attempt >= session_.attempts()) co_return std::move(uploaded);
        const auto kind = uploaded.error().kind();
        if (kind != Kind::unavailable && kind != Kind::timed_out) co_return std::move(uploaded);
        auto waited = co_await session_.back_off(attempt);
        CO_TRY(std::move(waited));
    }
}

// In pieces, each a request of its own: a layer is never whole in memory, and its digest is known at its end.
Task<Descriptor> Pusher::upload_once(Digest diff_id, std::string location) {
    if (location.empty()) {
        auto begun = co_await begin_upload();
        location = CO_TRY(std::move(begun));
    }
    auto opened = co_await on_worker(workers_, [&] { return store_.open_layer(diff_id); });
    auto layer = CO_TRY(std::move(opened));
    const auto source = compress_gzip(std::move(layer.source));
    Hasher hasher;
    std::uint64_t sent = 0;
    for (;;) {
        auto read = co_await on_worker(workers_, [&] { return read_piece(*source); });
        auto piece = CO_TRY(std::move(read));
        hasher.update(piece);
        const auto size = piece.size();
        if (size < kPiece) {
            auto digest = hasher.finish();
            auto finished = co_await finish_upload(std::move(location), digest, std::move(piece));
            CO_TRY(std::move(finished));
            co_return Descriptor{kGzipLayerType, std::move(digest), sent + size, {}};
        }
        auto headers = kOctets;
        headers["Content-Range"] = std::format("{}-{}", sent, sent + size - 1);
        auto answered = co_await session_.send("PATCH", location, std::move(headers), std::move(piece));
        const auto response = CO_TRY(std::move(answered));
        if (response->status() != 202) {
            auto refused = co_await session_.refuse_push(*response, "upload a layer");
            co_return forward_error(std::move(refused));
        }
        if (const auto next = response->header("Location"); !next.empty()) location = next;
        sent += size;
        // The compressed size is not known before its end: what was sent stands against the plain size.
        progress_({short_id(diff_id), "Pushing", sent, std::max(sent, layer.size)});
    }
}

Task<std::string> Pusher::begin_upload() {
    auto answered = co_await session_.send("POST", "blobs/uploads/");
    const auto response = CO_TRY(std::move(answered));
    auto location = response->header("Location");
    if (response->status() == 202 && !location.empty()) co_return location;
    auto refused = co_await session_.refuse_push(*response, "begin an upload");
    co_return forward_error(std::move(refused));
}

Task<void> Pusher::finish_upload(std::string location, Digest digest, std::string body) {
    auto answered = co_await session_.send("PUT", with_digest(location, digest), kOctets, std::move(body));
    const auto response = CO_TRY(std::move(answered));
    if (response->status() == 201 || response->status() == 204) co_return Result<void>{};
    co_return co_await session_.refuse_push(*response, "finish an upload");
}

Task<void> Pusher::push_config(const ImageRecord& image) {
    auto looked = co_await has_blob(image.id);
    const bool there = CO_TRY(std::move(looked));
    if (there) co_return Result<void>{};
    auto begun = co_await begin_upload();
    auto location = CO_TRY(std::move(begun));
    co_return co_await finish_upload(std::move(location), image.id, image.raw_config);
}

Task<void> Pusher::put_manifest(std::string bytes, std::string media_type) {
    const auto digest = Digest::of(bytes);
    std::map<std::string, std::string> headers{{"Content-Type", std::move(media_type)}};
    auto answered = co_await session_.send("PUT", "manifests/" + reference_.tag, std::move(headers), std::move(bytes));
    const auto response = CO_TRY(std::move(answered));
    if (response->status() != 201 && response->status() != 200)
        co_return co_await session_.refuse_push(*response, "put the manifest");
    const auto told = response->header("Docker-Content-Digest");
    if (told.empty() || told == digest.text()) co_return Result<void>{};
    co_return fail(Kind::corrupt, "the registry stored manifest {} where {} was sent", told, digest.text());
}

}  // namespace

Task<Pushed> push_image(RegistrySession& session, Store& store, boost::asio::thread_pool::executor_type workers,
                        Reference reference, ImageRecord image, ProgressSink progress) {
    Pusher pusher(session, store, std::move(workers), std::move(reference), std::move(progress));
    co_return co_await pusher.run(std::move(image));
}

}  // namespace diatom::image
