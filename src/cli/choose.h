// Which console the terminals have and which engine the user's containers have: the machine's own, or one of an image.
// Thread side: main thread.
#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace diatom::cli {

// args[0] is "console" or "engine".
Result<int> choose_console(std::span<char*> args);
Result<int> choose_engine(std::span<char*> args);

// The service of the image is made, and takes the place of the machine's own service: the own one is stopped first, and
// is started again where the other cannot be. Nothing is done where it runs already.
Result<void> take_the_place(const std::string& own, const std::string& image_service);
// The other way round: the service of the image is removed.
Result<void> give_the_place_back(const std::string& own, const std::string& image_service);

}  // namespace diatom::cli
