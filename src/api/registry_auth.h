// Who the client is to a registry. Thread side: any; fuzzed.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "image/registry.h"

namespace diatom::api {

// X-Registry-Auth: base64url of {"username","password","identitytoken","registrytoken","serveraddress"}.
Result<std::optional<image::Credentials>> decode_registry_auth(std::string_view header);

}  // namespace diatom::api
