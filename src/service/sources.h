// Where the definitions of services come from: what configure wrote (configure/apply_services.cpp), and what that names
// by a path, a URL, or the name of a service that the image brings along. Thread side: any; reads and writes files, and
// fetches through the caller's Fetching.
#pragma once

#include <string>
#include <vector>

#include "config/services.h"
#include "configure/fetching.h"
#include "service/definitions.h"

namespace diatom::service {

struct Places {
    std::string configured = config::kConfiguredServices;
    std::string own = config::kImageServices;
    std::string optional = config::kOptionalServices;
    std::string scratch = "/run/diatom/services";
};

// A service that cannot be had is left out; `problems` say which and why.
Sources find_sources(const Places& places, configure::Fetching& fetching, std::vector<std::string>& problems);

// "https://host/a.yml#sha256:…" or a path: the digest is that of the file; without one it is taken as it comes.
struct Included {
    std::string place;   // a path or a URL
    std::string digest;  // "sha256:HEX", "sha512:HEX", or empty
    bool is_url() const { return place.contains("://"); }
};
// invalid: neither an absolute path nor a URL of http or https.
Result<Included> parse_included(std::string_view text);

}  // namespace diatom::service
