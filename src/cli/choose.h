// Which console the terminals have and which engine the user's containers have: the machine's own, or one of an image.
// Thread side: main thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"

namespace diatom::cli {

// args[0] is "console" or "engine".
Result<int> choose_console(std::span<char*> args);
Result<int> choose_engine(std::span<char*> args);

// Two engines cannot be side by side. Consoles wait for each other (console.cpp), and the own one may be where the
// command runs, so that its end is the last that is asked for.
enum class Handover : std::uint8_t { stop_first, start_first };

// The service of the image is made, and takes the place of the machine's own service, which stays where the other
// cannot be started. Nothing is done where it runs already.
Result<void> take_the_place(const std::string& own, const std::string& image_service, Handover handover);
// The other way round: the service of the image is removed.
Result<void> give_the_place_back(const std::string& own, const std::string& image_service, Handover handover);

}  // namespace diatom::cli
