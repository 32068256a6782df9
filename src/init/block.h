// The block devices of the machine. Thread side: PID 1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "init/superblock.h"

namespace diatom::init {

constexpr std::uint64_t kSysfsSector = 512;  // the unit of sizes and starts in /sys/class/block, for every device

struct BlockDevice {
    std::string name;            // "vda1"
    std::string path;            // "/dev/vda1"
    std::string partition_name;  // of the GPT entry
    bool partition = false;
    bool partitioned = false;  // a disk that has partitions
    bool read_only = false;
    std::uint64_t bytes = 0;
    Contents contents = Contents::other;
    std::optional<Ext4> ext4;
};

// Reads head and tail of one device (or image file) into `device`.
Result<void> probe(BlockDevice& device);

// All devices with a size, sorted by name, probed; those that cannot be read are left out. No loop, RAM or CD devices.
std::vector<BlockDevice> scan_block_devices(const std::string& sys_class_block = "/sys/class/block");

}  // namespace diatom::init
