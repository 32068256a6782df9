// The boot timeline as phases and as a picture in text. Thread side: any; pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace diatom::cli {

struct BootMark {
    std::string name;
    std::int64_t at_us = 0;  // since the kernel started
};
struct BootPhase {
    std::string name;
    std::int64_t begin_us = 0, end_us = 0;
};

Result<std::vector<BootMark>> decode_marks(const Json& marks);

// PID 1's marks follow each other: each phase begins where the one before ended. An engine's phase goes from its start
// to its readiness, a container's from the system engine's readiness to its own start.
std::vector<BootPhase> boot_phases(const std::vector<BootMark>& marks);

// One bar a phase, `width` columns for all the boot.
std::string draw_boot(const std::vector<BootPhase>& phases, std::size_t width);

// [{"name","begin_us","at_us"}], by at_us: each mark with the beginning of the phase that it ends.
Json encode_boot(const std::vector<BootMark>& marks);

}  // namespace diatom::cli
