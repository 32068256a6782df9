// What takes the place of the machine's own console and user engine: services on images, as in a Compose file.
// Thread side: any; pure.
#pragma once

#include <optional>

#include "config/services.h"
#include "document/value.h"

namespace diatom::configure {

using config::kImageConsole;
using config::kImageEngine;

// Of the keys `console` and `engine`; nothing where no image is named.
std::optional<Value> image_console(const Value& console);
std::optional<Value> image_engine(const Value& engine);

}  // namespace diatom::configure
