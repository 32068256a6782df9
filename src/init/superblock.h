// What stands on a block device, read from its own bytes: no udev, no blkid. Thread side: any; pure functions.
// Source: Documentation/filesystems/ext4/super.rst of Linux 6.12.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diatom::init {

inline constexpr std::size_t kProbeHead = 1U << 20U;    // bytes read from the beginning of a device
inline constexpr std::size_t kProbeTail = 128U << 10U;  // and from its end: backup GPT, RAID superblocks
inline constexpr std::string_view kEmptyMarker = "diatom-empty-state-v1\n";

struct Ext4 {
    std::string label;
    bool clean = false;       // unmounted in order, no error seen, journal empty
    std::uint64_t bytes = 0;  // size of the file system
};

// Nothing when there is no ext2, ext3 or ext4 superblock.
std::optional<Ext4> parse_ext4(std::string_view head);

enum class Contents : std::uint8_t {
    blank,   // nothing but zeros
    marked,  // our marker and zeros behind it: meant to be formatted
    ext4,
    other,  // something else: never formatted
};
Contents classify(std::string_view head, std::string_view tail);

}  // namespace diatom::init
