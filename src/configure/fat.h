// Makes an empty FAT32 file system, which firmware, other systems and cloud-init's seeds want. Source: Microsoft's FAT
// specification 1.03 of 2000, pages 9 to 23. Thread side: any; make_fat() blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::configure {

struct NewFat {
    std::uint64_t bytes = 0;  // of the device
    unsigned sector = 512;    // bytes, 512 to 4096
    std::string label;        // up to 11 characters of ASCII
    std::uint32_t serial = 0;
};

// Zeros up to `zeroed`, and these in them.
struct FatLayout {
    struct Piece {
        std::uint64_t at = 0;
        std::string bytes;
    };
    std::uint64_t zeroed = 0;
    std::vector<Piece> pieces;
};

// Errors: invalid for a label that FAT cannot have, a device of less than some 33 MiB (FAT32 has 65,525 clusters and
// more), or of more than 2^32 sectors.
Result<FatLayout> plan_fat(const NewFat& wanted);

// `uuid`: "1A2B-3C4D", or empty for a random one. On the disk when it returns.
Result<void> make_fat(const std::string& device, const std::string& label, const std::string& uuid);

}  // namespace diatom::configure
