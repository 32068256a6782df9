// Tables of partitions: GPT read and written, MBR written. What is there stays unless it is said that it may go: a
// table is made on a blank disk or with `wipe`; on one that has a table, partitions that are wanted and not there are
// added. Source: UEFI 2.10, section 5. Thread side: any; bytes of disks are untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "document/value.h"

namespace diatom::configure {

struct Partition {
    unsigned number = 0;  // from 1
    std::string label, type, guid;
    std::uint64_t first = 0, last = 0;  // inclusive, in sectors
};

struct DiskTable {
    std::string guid;
    std::uint64_t first_usable = 0, last_usable = 0;
    std::vector<Partition> partitions;  // by number
};

struct Disk {
    FdRef fd;
    std::uint64_t bytes = 0;
    unsigned sector = 512;
};

// Nothing where the disk has no GPT. corrupt: one that is damaged.
Result<std::optional<DiskTable>> read_gpt(const Disk& disk);
Result<std::optional<DiskTable>> read_table(const std::string& device);

// What `disks.DEVICE` of a configuration makes of a table, or of none. invalid: what does not fit, or stands in the
// way. Pure but for new GUIDs.
Result<DiskTable> plan_table(const std::optional<DiskTable>& old, const Value& wanted, const Disk& disk);

Result<void> write_gpt(const Disk& disk, const DiskTable& table);
Result<void> write_mbr(const Disk& disk, const DiskTable& table);  // four partitions at most

// "linux", "swap", "esp", "home", "srv" or a GUID, to a GUID in upper case; nothing for what is neither.
std::optional<std::string> type_guid(std::string_view name);

}  // namespace diatom::configure
