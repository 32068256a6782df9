// The platform that clients may name for an image (API 1.48 and later). A store that keeps one platform of each image
// has that one or none. Thread side: the engine's loop.
#pragma once

#include <string>

#include "api/router.h"

namespace diatom::api {

// {"os":"linux","architecture":"arm64","variant":"v8"}
Result<image::Platform> decode_platform(std::string_view text);

// not_found where the request names a platform ("platform" or "platforms") and the image is for another one.
Task<void> check_platform(Call& call, std::string name);
// The same for images that are still to come: they are unpacked for this machine.
Result<void> check_host_platform(const Request& request);

}  // namespace diatom::api
