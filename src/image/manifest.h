// Decoded manifests, indexes and image configurations. Source: OCI image-spec 1.1 (manifest.md, image-index.md,
// config.md) and Docker's schema 2, which differ in media types only. Thread side: any; values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "image/digest.h"

namespace diatom::image {

inline constexpr std::size_t kMaxManifest = 4U << 20U;  // bytes, as distribution-spec advises
inline constexpr std::size_t kMaxLayers = 128;          // overlayfs takes 500; Docker's own limit is 127

struct Platform {
    std::string os, architecture, variant;
    static Platform host();
    static Result<Platform> parse(std::string_view text);  // "linux/amd64", "linux/arm64/v8"
    std::string text() const;
    bool runs(const Platform& offered) const;  // an equal or lower variant of the same system and architecture
    friend bool operator==(const Platform&, const Platform&) = default;
};

struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;
    std::optional<Platform> platform;
};

enum class Compression { none, gzip, zstd };
Result<Compression> layer_compression(std::string_view media_type);

struct Manifest {
    Descriptor config;
    std::vector<Descriptor> layers;  // base first
};
struct Index {
    std::vector<Descriptor> manifests;
    // The best match for the platform; not_found names what the index offers.
    Result<Descriptor> select(const Platform& platform) const;
};
// Refuses schema 1, a media type that contradicts the document, and negative or absurd sizes.
Result<std::variant<Manifest, Index>> decode_manifest(std::string_view bytes, std::string_view content_type);

// What we write: OCI's media types.
inline constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kPlainLayerType = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* kGzipLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";
Json encode_descriptor(const Descriptor& descriptor);
std::string encode_manifest(const Descriptor& config, const Json& layers);  // `layers`: encoded descriptors

struct ImageConfig {
    Platform platform;
    std::string created, author, docker_version, comment;
    std::vector<std::string> env, entrypoint, cmd, exposed_ports, volumes, shell;
    std::string user, working_dir, stop_signal;
    std::map<std::string, std::string> labels;
    Json healthcheck;  // as written, null when absent
    std::vector<Digest> diff_ids;
    Json history;
    static Result<ImageConfig> decode(std::string_view bytes);
};

}  // namespace diatom::image
