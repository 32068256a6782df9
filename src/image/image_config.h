// Image configurations as they are written: one more layer, and what `--change` of commit and import says of it.
// Source: OCI image-spec 1.1 config.md; the instructions are those that Docker's commit takes. Thread side: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/manifest.h"

namespace diatom::image {

struct LayerHistory {
    Digest diff_id;
    std::string created;  // RFC 3339
    std::string created_by, author, comment;
};

// `raw`: the configuration of the image below, empty for none. `process`: members that replace those of its "config".
// `changes`: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR, as in a Dockerfile;
// others are invalid.
Result<std::string> extend_config(std::string_view raw, const LayerHistory& layer, const Json& process,
                                  const std::vector<std::string>& changes, const Platform& platform);

Result<void> apply_change(Json& config, std::string_view instruction);

}  // namespace diatom::image
