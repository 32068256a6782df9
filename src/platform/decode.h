// The one document that a platform tells all in, decoded. `from`: its place. Thread side: any; pure, bytes are
// untrusted; errors do not quote them. The sources are named in the files of the platforms.
#pragma once

#include "platform/instance.h"

namespace diatom::platform {

Result<Instance> decode_gce(const std::string& json, const std::string& from);
Result<Instance> decode_azure(const std::string& json, const std::string& from);
Result<Instance> decode_digitalocean(const std::string& json, const std::string& from);
Result<Instance> decode_hetzner(const std::string& yaml, const std::string& from);  // without user-data

}  // namespace diatom::platform
