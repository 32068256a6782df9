#include "adopt/docker_files.h"

#include <algorithm>

#include "adopt/bolt.h"
#include "base/json.h"

namespace diatom::adopt {

Result<std::map<std::string, OldVolume>> read_volume_metadata(std::string_view file) {
    std::map<std::string, OldVolume> volumes;
    for (const auto& [key, text] : TRY(read_bolt_bucket(file, "volumes"))) {
        if (text.empty()) continue;  // as Docker does
        const auto said = TRY(parse_json(text, key));
        OldVolume volume;
        volume.name = TRY(json_string(said, "Name", key));
        volume.driver = TRY(json_string(said, "Driver", "local"));
        volume.labels = TRY(json_string_map(said, "Labels"), "{}", key);
        volume.options = TRY(json_string_map(said, "Options"), "{}", key);
        volumes.insert_or_assign(key, std::move(volume));
    }
    return volumes;
}

Result<std::map<std::string, std::string>> read_volume_options(std::string_view text) {
    const auto said = TRY(parse_json(text, "opts.json"));
    std::map<std::string, std::string> options;
    const auto take = [&](const char* key, const char* option) -> Result<void> {
        if (auto value = TRY(json_string(said, key)); !value.empty()) options[option] = std::move(value);
        return {};
    };
    TRY(take("MountType", "type"));
    TRY(take("MountDevice", "device"));
    TRY(take("MountOpts", "o"));
    const auto size = TRY(json_int(json_member(said, "Quota"), "Size"));
    if (size > 0) options["size"] = std::to_string(size);
    return options;
}

Result<OldContainer> read_container(std::string_view text) {
    const auto said = TRY(parse_json(text, "config.v2.json"));
    OldContainer container{.name = TRY(json_string(said, "Name")),
                           .image = TRY(json_string(json_member(said, "Config"), "Image"))};
    if (container.name.starts_with('/')) container.name.erase(0, 1);
    if (container.name.empty()) return fail(Kind::invalid, "config.v2.json: a container without a name");
    return container;
}

Result<std::vector<std::string>> read_image_names(std::string_view text) {
    const auto said = TRY(parse_json(text, "repositories.json"));
    std::vector<std::string> names;
    const auto& repositories = json_member(said, "Repositories");
    if (!repositories.is_object()) return names;
    for (const auto& [repository, references] : repositories.items()) {
        if (!references.is_object()) return fail(Kind::invalid, "repositories.json: {} is no mapping", repository);
        for (const auto& [name, id] : references.items()) {
            if (!name.contains('@')) names.push_back(name);  // the same image, by digest
        }
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace diatom::adopt
