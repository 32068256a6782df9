// A small image with everything that a registry serves of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "image/digest.h"
#include "image/testing/tar_builder.h"

namespace diatom::image::testing {

struct TestImage {
    std::string config, manifest;
    std::vector<std::string> layers;           // tar archives, base first
    std::map<std::string, std::string> blobs;  // by digest: configuration and layers

    std::string id() const { return Digest::of(config).text(); }
    std::string digest() const { return Digest::of(manifest).text(); }
};

inline Json descriptor_of(const std::string& type, const std::string& bytes) {
    return {{"mediaType", type}, {"digest", Digest::of(bytes).text()}, {"size", bytes.size()}};
}

inline TestImage make_image(std::vector<std::string> layers, const std::string& architecture = "amd64") {
    TestImage image;
    image.layers = std::move(layers);
    Json diff_ids = Json::array();
    Json descriptors = Json::array();
    for (const auto& layer : image.layers) {
        diff_ids.push_back(Digest::of(layer).text());
        descriptors.push_back(descriptor_of("application/vnd.oci.image.layer.v1.tar", layer));
        image.blobs[Digest::of(layer).text()] = layer;
    }
    image.config = Json{{"os", "linux"},
                        {"architecture", architecture},
                        {"created", "2026-01-02T03:04:05Z"},
                        {"config", {{"Cmd", {"sh"}}}},
                        {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}}
                       .dump();
    image.blobs[image.id()] = image.config;
    image.manifest = Json{
        {"schemaVersion", 2},
        {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
        {"config", descriptor_of("application/vnd.oci.image.config.v1+json", image.config)},
        {"layers",
         descriptors}}.dump();
    return image;
}

inline std::string one_file_layer(const std::string& name, std::string_view bytes) {
    return TarBuilder().file(name, bytes).finish();
}

}  // namespace diatom::image::testing
