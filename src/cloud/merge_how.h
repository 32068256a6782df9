// How the cloud-configs of several parts become one, exactly as cloud-init merges them: each part says how it is merged
// into what came before (merge_how, merge_type, or the Merge-Type header), and by default its keys replace those of
// earlier parts. Thread side: any; values. Source: cloud-init 25.2, "Merging cloud-config", cloudinit/mergers and
// handlers/cloud_config.py, where code and page differ the code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"

namespace diatom::cloud {

struct Merger {
    std::string name;                  // dict, list or str
    std::vector<std::string> options;  // replace, no_replace, append, prepend, recurse_list, recurse_str, allow_delete…
};
using Mergers = std::vector<Merger>;

// "list(append)+dict(no_replace,recurse_list)+str()". invalid: another form, or a name that is none of the three.
Result<Mergers> parse_merge_how(std::string_view text);

// What the config itself says, taken out of it, or the header, or the default: dict(replace)+list()+str().
Result<Mergers> take_merge_how(Value& config, std::string_view header);

// `later` into `earlier`.
Value merge_configs(Value earlier, const Value& later, const Mergers& mergers);

// What vendor-data says where user-data says nothing; mappings are looked into.
Value merge_below(Value user, const Value& vendor);

}  // namespace diatom::cloud
