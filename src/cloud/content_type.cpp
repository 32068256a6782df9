#include "cloud/content_type.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/json.h"
#include "base/strings.h"

namespace diatom::cloud {
namespace {

using Named = std::pair<std::string_view, Content>;

constexpr std::array kTypes{
    Named{"text/cloud-config", Content::cloud_config},
    Named{"text/x-shellscript", Content::by_content},  // cloud-init looks: people send anything with this type
    Named{"text/x-shellscript-per-boot", Content::script_each_boot},
    Named{"text/x-shellscript-per-instance", Content::script},
    Named{"text/x-shellscript-per-once", Content::script_once},
    Named{"text/cloud-boothook", Content::boothook},
    Named{"text/x-include-url", Content::include},
    Named{"text/x-include-once-url", Content::include_once},
    Named{"text/cloud-config-archive", Content::archive},
    Named{"text/cloud-config-jsonp", Content::json_patch},
    Named{"text/jinja2", Content::jinja},
    Named{"text/part-handler", Content::part_handler},
    Named{"text/plain", Content::by_content},
    Named{"text/x-not-multipart", Content::by_content},
    Named{"application/json", Content::by_content},
    Named{"application/vnd.coreos.ignition+json", Content::by_content},
    Named{"application/octet-stream", Content::by_content},
    Named{"application/gzip", Content::gzip},
    Named{"application/gzip-compressed", Content::gzip},
    Named{"application/gzipped", Content::gzip},
    Named{"application/x-compress", Content::gzip},
    Named{"application/x-compressed", Content::gzip},
    Named{"application/x-gunzip", Content::gzip},
    Named{"application/x-gzip", Content::gzip},
    Named{"application/x-gzip-compressed", Content::gzip},
};

// The longer before what they begin with.
constexpr std::array kBeginnings{
    Named{"#cloud-config-archive", Content::archive},
    Named{"#cloud-config-jsonp", Content::json_patch},
    Named{"## template: jinja", Content::jinja},
    Named{"##template: jinja", Content::jinja},
    Named{"## template:jinja", Content::jinja},
    Named{"##template:jinja", Content::jinja},
    Named{"#cloud-boothook", Content::boothook},
    Named{"#include-once", Content::include_once},
    Named{"#cloud-config", Content::cloud_config},
    Named{"#part-handler", Content::part_handler},
    Named{"#include", Content::include},
    Named{"#!", Content::script},
};

}  // namespace

Content content_of_type(std::string_view media_type) {
    const auto found = std::ranges::find(kTypes, media_type, &Named::first);
    return found == kTypes.end() ? Content::unknown : found->second;
}

Content content_of_text(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return Content::unknown;
    const auto head = to_lower(text.substr(begin, 32));
    for (const auto& [beginning, content] : kBeginnings) {
        if (head.starts_with(beginning)) return content;
    }
    return Content::unknown;
}

bool is_ignition(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || text[begin] != '{') return false;
    const auto json = parse_json(text, "user-data");
    return json && json->is_object() && json->contains("ignition");
}

}  // namespace diatom::cloud
