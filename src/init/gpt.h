// Growing the last partition of a GPT disk to the disk's end: an image that was written to a larger disk. Thread side:
// PID 1.
// Source: UEFI 2.10, section 5.3. A power cut at any write leaves a table that is valid: the new entries go where the
// old ones are not, and one sector, the primary header, then changes over.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::init {

constexpr std::uint64_t kGrowFrom = 16U << 20U;  // bytes that are worth a resize

struct PartitionSpan {
    std::uint64_t first_lba = 0, last_lba = 0;  // inclusive, in logical sectors
    unsigned number = 0;                        // from 1
};

struct DiskGeometry {
    std::uint64_t bytes = 0;
    unsigned sector = 512;  // logical, bytes
};

// Grows the partition that begins at `first_lba` when it is the last one and at least 16 MiB lie behind it; gives its
// new span, or nothing when there is nothing to gain. corrupt: no valid table; nothing was written then.
Result<std::optional<PartitionSpan>> grow_last_partition(FdRef disk, const DiskGeometry& geometry,
                                                         std::uint64_t first_lba);

// Does that for a partition of this machine ("vda2") and tells the kernel, while it is mounted or not. True when it
// grew.
Result<bool> grow_partition(const std::string& name);

}  // namespace diatom::init
