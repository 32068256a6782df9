// What takes the place of the machine's own console and user engine: services on images, as in a Compose file.
// Thread side: any; pure.
#pragma once

#include <optional>

#include "config/services.h"
#include "document/value.h"

namespace diatom::configure {

using config::kImageConsole;
using config::kImageEngine;

// Rules of sudoers(5) of the configuration's users, shown to consoles of images: the machine's own root has no sudo.
inline constexpr const char* kSudoers = "/run/diatom/sudoers";

// Nothing where no image is named.
std::optional<Value> image_console(const Value& machine);
std::optional<Value> image_engine(const Value& engine);

}  // namespace diatom::configure
