#include "image/manifest.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr std::uint64_t kMaxBlob = std::uint64_t{1} << 40U;  // 1 TiB: more is a mistake or an attack
constexpr std::size_t kMaxIndexEntries = 4096;

constexpr std::array<std::string_view, 2> kManifestTypes{"application/vnd.oci.image.manifest.v1+json",
                                                         "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::array<std::string_view, 2> kIndexTypes{"application/vnd.oci.image.index.v1+json",
                                                      "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::string_view kSchema1 = "application/vnd.docker.distribution.manifest.v1+";

enum class Document : std::uint8_t { manifest, index, schema1, unknown };

Document document_of(std::string_view media_type) noexcept {
    if (std::ranges::contains(kManifestTypes, media_type)) return Document::manifest;
    if (std::ranges::contains(kIndexTypes, media_type)) return Document::index;
    return media_type.starts_with(kSchema1) ? Document::schema1 : Document::unknown;
}

Result<std::optional<Platform>> decode_platform(const Json& descriptor) {
    const Json& object = json_member(descriptor, "platform");
    if (object.is_null()) return std::nullopt;
    if (!object.is_object()) return fail(Kind::invalid, "\"platform\" must be an object, not {}", object.type_name());
    return Platform{.os = TRY(json_string(object, "os")),
                    .architecture = TRY(json_string(object, "architecture")),
                    .variant = TRY(json_string(object, "variant"))};
}

Result<Descriptor> decode_descriptor(const Json& object) {
    if (!object.is_object()) return fail(Kind::invalid, "a descriptor must be an object, not {}", object.type_name());
    Descriptor descriptor;
    descriptor.media_type = TRY(json_string(object, "mediaType"));
    descriptor.digest = TRY(Digest::parse(TRY(json_string(object, "digest"))));
    const auto size = TRY(json_int(object, "size", -1));
    if (size < 0) return fail(Kind::invalid, "the size of {} is missing or negative", descriptor.digest.text());
    descriptor.size = static_cast<std::uint64_t>(size);
    if (descriptor.size > kMaxBlob) {
        return fail(Kind::invalid, "the size of {} is {} bytes, more than {}", descriptor.digest.text(), size,
                    format_bytes(kMaxBlob));
    }
    descriptor.platform = TRY(decode_platform(object), "{}", descriptor.digest.text());
    return descriptor;
}

Result<std::vector<Descriptor>> decode_descriptors(const Json& document, std::string_view key, std::size_t most) {
    const Json& list = json_member(document, key);
    std::vector<Descriptor> descriptors;
    if (list.is_null()) return descriptors;  // Go writes an empty list as null
    if (!list.is_array()) return fail(Kind::invalid, "\"{}\" must be a list, not {}", key, list.type_name());
    if (list.size() > most) return fail(Kind::invalid, "\"{}\" has {} entries, more than {}", key, list.size(), most);
    for (const auto& object : list) {
        descriptors.push_back(TRY(decode_descriptor(object), "{} {}", key, descriptors.size()));
    }
    return descriptors;
}

Result<Manifest> decode_image_manifest(const Json& document) {
    Manifest manifest;
    manifest.config = TRY(decode_descriptor(json_member(document, "config")), "config");
    manifest.layers = TRY(decode_descriptors(document, "layers", kMaxLayers));
    return manifest;
}

// One kind of document must not be readable as another, or two tools see two images behind one digest
// (CVE-2021-41190).
Result<Document> kind_of_document(const Json& document, std::string_view content_type) {
    const bool has_layers = document.contains("layers") || document.contains("config");
    const bool has_manifests = document.contains("manifests");
    if (has_layers && has_manifests) return fail(Kind::invalid, "it is both an image manifest and an index");
    if (document.contains("fsLayers") || document.contains("signatures")) return Document::schema1;

    const auto written = TRY(json_string(document, "mediaType"));
    const auto by_header = document_of(content_type);
    const auto by_document = document_of(written);
    if (by_document == Document::unknown && !written.empty()) {
        return fail(Kind::unsupported, "media type \"{}\" is not an image manifest or index", written);
    }
    const auto by_shape = has_manifests ? Document::index : has_layers ? Document::manifest : Document::unknown;
    for (const auto claim : {by_header, by_document}) {
        if (claim == Document::schema1) return claim;
        if (claim != Document::unknown && claim != by_shape) {
            return fail(Kind::invalid, "its media type (\"{}\") contradicts what it contains",
                        claim == by_header ? content_type : std::string_view(written));
        }
    }
    return by_shape;
}

Result<std::vector<std::string>> keys_of(const Json& object, std::string_view key) {
    const Json& set = json_member(object, key);
    std::vector<std::string> keys;
    if (set.is_null()) return keys;
    if (!set.is_object()) return fail(Kind::invalid, "\"{}\" must be an object, not {}", key, set.type_name());
    for (const auto& item : set.items()) keys.push_back(item.key());
    return keys;
}

Result<std::vector<Digest>> decode_diff_ids(const Json& document) {
    const Json& rootfs = json_member(document, "rootfs");
    if (!rootfs.is_object()) return fail(Kind::invalid, "\"rootfs\" is missing: not the configuration of an image");
    if (const auto type = TRY(json_string(rootfs, "type")); type != "layers") {
        return fail(Kind::unsupported, "root file system type \"{}\": only \"layers\" is supported", type);
    }
    std::vector<Digest> diff_ids;
    for (const auto& text : TRY(json_strings(rootfs, "diff_ids"))) {
        diff_ids.push_back(TRY(Digest::parse(text), "diff_ids"));
    }
    if (diff_ids.size() > kMaxLayers) {
        return fail(Kind::unsupported, "the image has {} layers, more than {}", diff_ids.size(), kMaxLayers);
    }
    return diff_ids;
}

Result<void> decode_process(const Json& config, ImageConfig& image) {
    if (!config.is_null() && !config.is_object()) {
        return fail(Kind::invalid, "\"config\" must be an object, not {}", config.type_name());
    }
    image.env = TRY(json_strings(config, "Env"));
    image.entrypoint = TRY(json_strings(config, "Entrypoint"));
    image.cmd = TRY(json_strings(config, "Cmd"));
    image.shell = TRY(json_strings(config, "Shell"));
    image.exposed_ports = TRY(keys_of(config, "ExposedPorts"));
    image.volumes = TRY(keys_of(config, "Volumes"));
    image.user = TRY(json_string(config, "User"));
    image.working_dir = TRY(json_string(config, "WorkingDir"));
    image.stop_signal = TRY(json_string(config, "StopSignal"));
    image.labels = TRY(json_string_map(config, "Labels"));
    image.healthcheck = json_member(config, "Healthcheck");
    return {};
}

// These become C strings of a process: a NUL would silently cut them.
Result<void> refuse_nul(const ImageConfig& image) {
    const auto has_nul = [](const std::string& text) { return text.contains('\0'); };
    for (const auto* list : {&image.env, &image.entrypoint, &image.cmd, &image.shell, &image.volumes}) {
        if (std::ranges::any_of(*list, has_nul)) return fail(Kind::invalid, "a string contains a NUL character");
    }
    if (has_nul(image.user) || has_nul(image.working_dir) || has_nul(image.stop_signal)) {
        return fail(Kind::invalid, "a string contains a NUL character");
    }
    return {};
}

}  // namespace

Result<Compression> layer_compression(std::string_view media_type) {
    struct Known {
        std::string_view type;
        Compression compression;
    };
    static constexpr std::array kKnown{
        Known{"application/vnd.oci.image.layer.v1.tar", Compression::none},
        Known{"application/vnd.oci.image.layer.v1.tar+gzip", Compression::gzip},
        Known{"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
        Known{"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::none},
        Known{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::gzip},
        Known{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::zstd},
        Known{"application/vnd.docker.image.rootfs.diff.tar", Compression::none},
        Known{"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip},
        Known{"application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::zstd},
        Known{"application/vnd.docker.image.rootfs.foreign.diff.tar", Compression::none},
        Known{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::gzip},
    };
    const auto* found = std::ranges::find(kKnown, media_type, &Known::type);
    if (found != kKnown.end()) return found->compression;
    if (media_type.ends_with("+encrypted")) {
        return fail(Kind::unsupported, "layers of type \"{}\" are encrypted, which is not supported", media_type);
    }
    return fail(Kind::unsupported, "\"{}\" is not a layer of a container image", media_type);
}

Result<std::variant<Manifest, Index>> decode_manifest(std::string_view bytes, std::string_view content_type) {
    if (bytes.size() > kMaxManifest) {
        return fail(Kind::invalid, "manifest: {} bytes, more than {}", bytes.size(), format_bytes(kMaxManifest));
    }
    const auto document = TRY(parse_json(bytes, "manifest"));
    if (!document.is_object()) return fail(Kind::invalid, "manifest: must be an object, not {}", document.type_name());
    const auto header = trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
    const auto kind = TRY(kind_of_document(document, header), "manifest");
    if (kind == Document::schema1) {
        return fail(Kind::unsupported,
                    "manifest: Docker image manifest schema 1 is not supported: push the image again "
                    "with a current tool");
    }
    const auto version = TRY(json_int(document, "schemaVersion", 2), "manifest");
    if (version != 2) return fail(Kind::unsupported, "manifest: schema version {} is not supported (want 2)", version);
    if (kind == Document::manifest) return TRY(decode_image_manifest(document), "manifest");
    if (kind == Document::index) {
        return Index{.manifests = TRY(decode_descriptors(document, "manifests", kMaxIndexEntries), "index")};
    }
    return fail(Kind::invalid, "manifest: neither an image manifest nor an index");
}

Result<ImageConfig> ImageConfig::decode(std::string_view bytes) {
    const auto document = TRY(parse_json(bytes, "image configuration"));
    if (!document.is_object()) {
        return fail(Kind::invalid, "image configuration: must be an object, not {}", document.type_name());
    }
    ImageConfig image;
    image.platform = {.os = TRY(json_string(document, "os", "linux"), "image configuration"),
                      .architecture = TRY(json_string(document, "architecture"), "image configuration"),
                      .variant = TRY(json_string(document, "variant"), "image configuration")};
    image.created = TRY(json_string(document, "created"), "image configuration");
    image.author = TRY(json_string(document, "author"), "image configuration");
    image.docker_version = TRY(json_string(document, "docker_version"), "image configuration");
    image.comment = TRY(json_string(document, "comment"), "image configuration");
    image.history = json_member(document, "history");
    image.diff_ids = TRY(decode_diff_ids(document), "image configuration");
    TRY(decode_process(json_member(document, "config"), image), "image configuration");
    TRY(refuse_nul(image), "image configuration");
    return image;
}

}  // namespace diatom::image
