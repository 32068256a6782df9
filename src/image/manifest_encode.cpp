#include "image/manifest.h"

namespace diatom::image {

Json encode_descriptor(const Descriptor& descriptor) {
    Json object{{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
    if (const auto& platform = descriptor.platform) {
        object["platform"] = {{"os", platform->os}, {"architecture", platform->architecture}};
        if (!platform->variant.empty()) object["platform"]["variant"] = platform->variant;
    }
    return object;
}

std::string encode_manifest(const Descriptor& config, const Json& layers) {
    return dump_json({{"schemaVersion", 2},
                      {"mediaType", kManifestType},
                      {"config", encode_descriptor(config)},
                      {"layers", layers}});
}

}  // namespace diatom::image
