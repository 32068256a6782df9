// All that a platform hands a machine, in one step: user-data on top of vendor-data, their parts merged, templates
// rendered, to a configuration, the scripts that are run beside it, and Ignition for who reads it.
// Thread side: any; fetches and hashes through the caller's functions, on its thread.
#pragma once

#include "cloud/cloud_config.h"
#include "cloud/user_data.h"

namespace diatom::cloud {

struct Handed {
    std::string_view user_data;
    std::string_view vendor_data;
    std::string user_file = "user-data";  // what they are called in warnings
    std::string vendor_file = "vendor-data";
};

struct Taken {
    Translation translation;
    std::vector<Part> scripts;          // the vendor's before the user's; boothooks and scripts, in order
    std::vector<Part> ignition;         // not read here; more than one is for their reader to refuse
    Value cloud_config = Value::map();  // what was translated: `cloud-init query`
};

Taken translate_user_data(const Handed& handed, const Sources& sources, const Options& options);

}  // namespace diatom::cloud
