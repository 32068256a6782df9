// What a configuration says of its own requests. Thread side: that of Fetch.
#pragma once

#include <map>
#include <string>

#include "ignition/resource.h"

namespace diatom::ignition {

using AuthorityCache = std::map<std::string, std::string>;  // PEM by source

// Fetches the certificate authorities, with the machine's own trust.
Result<Access> access_of(const Value& config, const Fetch& fetch, AuthorityCache& cache);

// The URL as a name in errors: without user, password, query, and the data of a data: URL.
std::string shown_source(const Value& reference);

}  // namespace diatom::ignition
