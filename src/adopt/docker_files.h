// What Docker writes down of its volumes, containers and images, one document each. Bytes of disks are untrusted.
// Thread side: any; pure.
// Source: moby 19.03, volume/store/db.go (metadata.db), volume/local/local.go (opts.json), container/container.go
// (config.v2.json), reference/store.go (repositories.json).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::adopt {

struct OldVolume {
    std::string name, driver = "local";
    std::map<std::string, std::string> labels, options;  // as `docker volume create` takes them
    // Its data are elsewhere: what its options name is mounted when it is used.
    bool is_mount() const { return options.contains("type") || options.contains("device"); }
    bool operator==(const OldVolume&) const = default;
};

// volumes/metadata.db, by name. invalid: what is no volume; corrupt: no such database.
Result<std::map<std::string, OldVolume>> read_volume_metadata(std::string_view file);

// volumes/NAME/opts.json: the options.
Result<std::map<std::string, std::string>> read_volume_options(std::string_view text);

struct OldContainer {
    std::string name, image;
};
Result<OldContainer> read_container(std::string_view text);  // containers/ID/config.v2.json

// image/DRIVER/repositories.json: "nginx:1.19", by name.
Result<std::vector<std::string>> read_image_names(std::string_view text);

}  // namespace diatom::adopt
