// What user-data is, by its media type or by how it begins. Only user_data.cpp includes it.
#pragma once

#include <cstdint>
#include <string_view>

namespace diatom::cloud {

enum class Content : std::uint8_t {
    unknown,
    cloud_config,
    script,
    script_each_boot,
    script_once,
    boothook,
    include,
    include_once,
    archive,
    jinja,
    part_handler,
    json_patch,
    gzip,
    by_content,  // a type that says nothing, such as text/plain
};

Content content_of_type(std::string_view media_type);
// By the first line; leading blanks do not count.
Content content_of_text(std::string_view text);

// A JSON object with the key "ignition".
bool is_ignition(std::string_view text);

}  // namespace diatom::cloud
