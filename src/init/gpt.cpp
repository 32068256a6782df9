#include "init/gpt.h"

#include <fcntl.h>
#include <linux/blkpg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/strings.h"
#include "init/block.h"
#include "init/gpt_bytes.h"
#include "sys/file.h"

namespace diatom::init {
namespace {

// Offsets in the header and in an entry; all little-endian, as the machines are that we run on.
constexpr std::size_t kHeaderSize = 12, kHeaderCrc = 16, kMyLba = 24, kAlternateLba = 32, kFirstUsable = 40,
                      kLastUsable = 48, kEntriesLba = 72, kEntryCount = 80, kEntrySize = 84, kEntriesCrc = 88;
constexpr std::size_t kEntryFirst = 32, kEntryLast = 40;
constexpr std::string_view kSignature = "EFI PART";
constexpr std::uint64_t kAlignment = 1U << 20U;  // bytes
constexpr std::uint64_t kUsualEntriesLba = 2;

Result<std::string> read_sectors(FdRef disk, unsigned sector, std::uint64_t lba, std::size_t bytes) {
    if (lba > static_cast<std::uint64_t>(INT64_MAX) / sector)
        return fail(Kind::corrupt, "no disk has a sector {}", lba);
    std::string data(bytes, '\0');
    if (::pread(disk.raw(), data.data(), bytes, static_cast<off_t>(lba * sector)) != static_cast<ssize_t>(bytes)) {
        return fail_errno(errno, "read {} bytes at sector {}", bytes, lba);
    }
    return data;
}

Result<void> write_sectors(FdRef disk, unsigned sector, std::uint64_t lba, const std::string& data) {
    if (::pwrite(disk.raw(), data.data(), data.size(), static_cast<off_t>(lba * sector)) !=
        static_cast<ssize_t>(data.size())) {
        return fail_errno(errno, "write {} bytes at sector {}", data.size(), lba);
    }
    return sys::sync_fd(disk);
}

struct Table {
    std::string header;   // one sector
    std::string entries;  // whole sectors
    std::size_t entries_bytes = 0;
    std::uint32_t count = 0, entry_size = 0;
    std::uint64_t entries_sectors(unsigned sector) const { return entries.size() / sector; }
};

std::uint32_t header_crc(std::string header) {
    const auto size = get<std::uint32_t>(header, kHeaderSize);
    put<std::uint32_t>(header, kHeaderCrc, 0);
    return crc32(std::string_view(header).substr(0, size));
}

Result<Table> read_table(FdRef disk, unsigned sector) {
    Table table;
    table.header = TRY(read_sectors(disk, sector, 1, sector));
    const auto size = get<std::uint32_t>(table.header, kHeaderSize);
    if (!table.header.starts_with(kSignature) || size < 92 || size > sector)
        return fail(Kind::corrupt, "no GPT header");
    if (header_crc(table.header) != get<std::uint32_t>(table.header, kHeaderCrc))
        return fail(Kind::corrupt, "the GPT header's CRC is wrong");
    table.count = get<std::uint32_t>(table.header, kEntryCount);
    table.entry_size = get<std::uint32_t>(table.header, kEntrySize);
    if (table.entry_size < 128 || table.entry_size > 4096 || table.count == 0 || table.count > 1024) {
        return fail(Kind::corrupt, "a GPT of {} entries of {} bytes", table.count, table.entry_size);
    }
    table.entries_bytes = std::size_t{table.count} * table.entry_size;
    const std::size_t whole = (table.entries_bytes + sector - 1) / sector * sector;
    table.entries = TRY(read_sectors(disk, sector, get<std::uint64_t>(table.header, kEntriesLba), whole));
    if (crc32(std::string_view(table.entries).substr(0, table.entries_bytes)) !=
        get<std::uint32_t>(table.header, kEntriesCrc)) {
        return fail(Kind::corrupt, "the GPT entries' CRC is wrong");
    }
    return table;
}

// The entry that begins at first_lba, if no other lies behind it.
std::optional<std::size_t> find_last_entry(const Table& table, std::uint64_t first_lba) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < table.count; ++i) {
        const std::size_t at = i * table.entry_size;
        const auto is_used = [](char c) { return c != 0; };
        if (std::ranges::none_of(std::string_view(table.entries).substr(at, 16), is_used)) continue;
        const auto first = get<std::uint64_t>(table.entries, at + kEntryFirst);
        if (first == first_lba) found = i;
        else if (first > first_lba) return std::nullopt;
    }
    return found;
}

// Where the new entries go: beside the old ones, in front of the first partition.
Result<std::uint64_t> free_entries_lba(const Table& table, unsigned sector) {
    const auto old = get<std::uint64_t>(table.header, kEntriesLba);
    const auto size = table.entries_sectors(sector);
    std::uint64_t first_partition = UINT64_MAX;
    for (std::size_t i = 0; i < table.count; ++i) {
        const auto first = get<std::uint64_t>(table.entries, i * table.entry_size + kEntryFirst);
        if (first != 0) first_partition = std::min(first_partition, first);
    }
    const auto lba = old == kUsualEntriesLba ? kUsualEntriesLba + size : kUsualEntriesLba;
    const bool overlaps = lba < old + size && old < lba + size;
    if (overlaps || lba + size > first_partition)
        return fail(Kind::unsupported, "no room for a second GPT before the first partition");
    return lba;
}

std::string make_header(const Table& table, std::uint64_t mine, std::uint64_t other, std::uint64_t entries,
                        std::uint64_t last_usable) {
    std::string header = table.header;
    put(header, kMyLba, mine);
    put(header, kAlternateLba, other);
    put(header, kEntriesLba, entries);
    put(header, kLastUsable, last_usable);
    put(header, kEntriesCrc, crc32(std::string_view(table.entries).substr(0, table.entries_bytes)));
    put(header, kHeaderCrc, header_crc(header));
    return header;
}

Result<std::uint64_t> read_number(const std::string& path) {
    const auto text = TRY(sys::read_file(path, 64));
    const auto number = parse_uint(trim(text));
    if (!number) return fail(Kind::invalid, "{} is no number", path);
    return *number;
}

Result<void> tell_kernel(FdRef disk, const PartitionSpan& span, unsigned sector) {
    blkpg_partition partition{};
    const std::uint64_t start = span.first_lba * sector;
    const std::uint64_t length = (span.last_lba - span.first_lba + 1) * sector;
    partition.start = static_cast<long long>(start);
    partition.length = static_cast<long long>(length);
    partition.pno = static_cast<int>(span.number);
    blkpg_ioctl_arg argument{BLKPG_RESIZE_PARTITION, 0, sizeof partition, &partition};
    if (::ioctl(disk.raw(), BLKPG, &argument) < 0) return fail_errno(errno, "tell the kernel the partition's new size");
    return {};
}

}  // namespace

Result<std::optional<PartitionSpan>> grow_last_partition(FdRef disk, const DiskGeometry& geometry,
                                                         std::uint64_t first_lba) {
    const unsigned sector = geometry.sector;
    auto table = TRY(read_table(disk, sector));
    const auto index = find_last_entry(table, first_lba);
    if (!index) return std::optional<PartitionSpan>();
    const std::size_t last_at = *index * table.entry_size + kEntryLast;
    const std::uint64_t last_sector = geometry.bytes / sector - 1;
    const auto old_last = get<std::uint64_t>(table.entries, last_at);
    if (old_last < first_lba || old_last > last_sector)
        return fail(Kind::corrupt, "a partition of the sectors {} to {} on a disk of {}", first_lba, old_last,
                    last_sector + 1);
    const std::uint64_t backup_entries = last_sector - table.entries_sectors(sector);
    const std::uint64_t align = kAlignment / sector;
    const std::uint64_t last = backup_entries / align * align - 1;
    if (last < old_last + kGrowFrom / sector) return std::optional<PartitionSpan>();

    const auto entries_lba = TRY(free_entries_lba(table, sector));
    put(table.entries, last_at, last);
    put(table.header, kFirstUsable,
        std::max(get<std::uint64_t>(table.header, kFirstUsable), kUsualEntriesLba + 2 * table.entries_sectors(sector)));
    TRY(write_sectors(disk, sector, backup_entries, table.entries));
    TRY(write_sectors(disk, sector, last_sector,
                      make_header(table, last_sector, 1, backup_entries, backup_entries - 1)));
    TRY(write_sectors(disk, sector, entries_lba, table.entries));
    TRY(write_sectors(disk, sector, 1, make_header(table, 1, last_sector, entries_lba, backup_entries - 1)));
    return std::optional(PartitionSpan{first_lba, last, static_cast<unsigned>(*index + 1)});
}

Result<bool> grow_partition(const std::string& name) {
    const std::string own = "/sys/class/block/" + name;
    // …/block/vda/vda2: the disk is the directory above.
    const auto link = TRY(sys::read_link(own));
    const auto parts = split(link, '/');
    if (parts.size() < 2) return fail(Kind::invalid, "{} is no partition", name);
    const std::string disk_name(parts[parts.size() - 2]);
    const std::string disk_dir = "/sys/class/block/" + disk_name;
    DiskGeometry geometry;
    geometry.bytes = TRY(read_number(disk_dir + "/size")) * kSysfsSector;
    geometry.sector = static_cast<unsigned>(TRY(read_number(disk_dir + "/queue/logical_block_size")));
    const auto start = TRY(read_number(own + "/start")) * kSysfsSector;
    const auto size = TRY(read_number(own + "/size")) * kSysfsSector;
    if (geometry.bytes < start + size + kGrowFrom + kAlignment) return false;
    const auto disk = TRY(sys::open_path("/dev/" + disk_name, O_RDWR), "grow {}", name);
    const auto span = TRY(grow_last_partition(disk, geometry, start / geometry.sector), "grow {}", name);
    if (!span) return false;
    TRY(tell_kernel(disk, *span, geometry.sector), "grow {}", name);
    return true;
}

}  // namespace diatom::init
