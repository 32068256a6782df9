#include "configure/partition_table.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/strings.h"
#include "configure/disk_fields.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::size_t kHeader = 92, kEntry = 128, kEntries = 128, kGuid = 16, kNameUnits = 36;
constexpr std::string_view kSignature = "EFI PART";

std::uint32_t checksum(std::string_view bytes) {
    return ::crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

// The first three parts are little-endian.
std::string guid_text(std::string_view bytes) {
    static constexpr std::array<int, kGuid> kOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    std::string text;
    for (std::size_t i = 0; i < kGuid; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += std::format("{:02X}", static_cast<unsigned char>(bytes[static_cast<std::size_t>(kOrder[i])]));
    }
    return text;
}

std::string guid_bytes(std::string_view text) {
    static constexpr std::array<int, kGuid> kOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    std::string digits, bytes(kGuid, '\0');
    std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '-'; });
    for (std::size_t i = 0; i < kGuid && digits.size() == 2 * kGuid; ++i) {
        unsigned value = 0;
        std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16);
        bytes[static_cast<std::size_t>(kOrder[i])] = static_cast<char>(value);
    }
    return bytes;
}

bool is_zero(std::string_view bytes) {
    return std::ranges::all_of(bytes, [](char c) { return c == '\0'; });
}

// UTF-16 as far as names of partitions go: what is beyond Latin is a question mark.
std::string name_text(std::string_view units) {
    std::string text;
    for (std::size_t i = 0; i + 1 < units.size(); i += 2) {
        const auto unit = get<std::uint16_t>(units, i);
        if (unit == 0) break;
        text += unit < 0x80 ? static_cast<char>(unit) : '?';
    }
    return text;
}

Result<std::string> read_at(const Disk& disk, std::uint64_t sector, std::size_t size) {
    std::string bytes(size, '\0');
    const auto got = ::pread(disk.fd.raw(), bytes.data(), size, static_cast<off_t>(sector * disk.sector));
    if (got < 0) return fail_errno(errno, "read the table");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
}

Result<void> write_at(const Disk& disk, std::uint64_t sector, std::string_view bytes) {
    const auto written = ::pwrite(disk.fd.raw(), bytes.data(), bytes.size(), static_cast<off_t>(sector * disk.sector));
    if (written != static_cast<ssize_t>(bytes.size())) return fail_errno(errno, "write the table");
    return {};
}

std::string entries_of(const DiskTable& table) {
    std::string entries(kEntries * kEntry, '\0');
    for (const auto& partition : table.partitions) {
        const auto at = (partition.number - 1) * kEntry;
        entries.replace(at, kGuid, guid_bytes(partition.type));
        entries.replace(at + kGuid, kGuid, guid_bytes(partition.guid));
        put(entries, at + 32, partition.first);
        put(entries, at + 40, partition.last);
        for (std::size_t i = 0; i < std::min(partition.label.size(), kNameUnits); ++i)
            entries[at + 56 + 2 * i] = partition.label[i];
    }
    return entries;
}

std::string header_of(const DiskTable& table, const Disk& disk, std::string_view entries, bool primary) {
    const auto last = disk.bytes / disk.sector - 1;
    const auto span = (entries.size() + disk.sector - 1) / disk.sector;
    std::string header(disk.sector, '\0');
    header.replace(0, kSignature.size(), kSignature);
    put<std::uint32_t>(header, 8, 0x00010000);
    put<std::uint32_t>(header, 12, kHeader);
    put<std::uint64_t>(header, 24, primary ? 1 : last);
    put<std::uint64_t>(header, 32, primary ? last : 1);
    put(header, 40, table.first_usable);
    put(header, 48, table.last_usable);
    header.replace(56, kGuid, guid_bytes(table.guid));
    put<std::uint64_t>(header, 72, primary ? 2 : last - span);
    put<std::uint32_t>(header, 80, kEntries);
    put<std::uint32_t>(header, 84, kEntry);
    put(header, 88, checksum(entries));
    put(header, 16, checksum(std::string_view(header).substr(0, kHeader)));
    return header;
}

void put_mbr_entry(std::string& sector, std::size_t index, unsigned char type, std::uint64_t first,
                   std::uint64_t size) {
    const auto at = 446 + index * 16;
    // Cylinders, heads and sectors mean nothing any more: their largest values.
    sector.replace(at, 8, std::string("\0\xFE\xFF\xFF", 4) + static_cast<char>(type) + std::string("\xFE\xFF\xFF", 3));
    put(sector, at + 8, static_cast<std::uint32_t>(std::min<std::uint64_t>(first, UINT32_MAX)));
    put(sector, at + 12, static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX)));
    sector.replace(510, 2, "\x55\xAA");
}

unsigned char mbr_type(const std::string& guid) {
    if (guid == *type_guid("swap")) return 0x82;
    if (guid == *type_guid("esp")) return 0xEF;
    return 0x83;
}

}  // namespace

std::optional<std::string> type_guid(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNames{{
        {"", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
        {"linux", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
        {"83", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
        {"swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"},
        {"82", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"},
        {"esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},
        {"home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"},
        {"srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8"},
    }};
    const auto lower = to_lower(name);
    for (const auto& [known, guid] : kNames) {
        if (known == lower) return std::string(guid);
    }
    std::string upper(name);
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const bool fits = upper.size() == 36 && upper[8] == '-' && upper[13] == '-' && upper[18] == '-' &&
                      upper[23] == '-' && upper.find_first_not_of("0123456789ABCDEF-") == std::string::npos;
    return fits ? std::optional(std::move(upper)) : std::nullopt;
}

Result<std::optional<DiskTable>> read_gpt(const Disk& disk) {
    const auto header = TRY(read_at(disk, 1, disk.sector));
    if (!header.starts_with(kSignature)) return std::optional<DiskTable>();
    auto checked = header.substr(0, kHeader);
    put<std::uint32_t>(checked, 16, 0);
    const auto count = get<std::uint32_t>(header, 80), size = get<std::uint32_t>(header, 84);
    if (get<std::uint32_t>(header, 12) != kHeader || get<std::uint32_t>(header, 16) != checksum(checked) ||
        count > kEntries || size != kEntry)
        return fail(Kind::corrupt, "its GPT is damaged, or of a form that is not known here");
    const auto entries = TRY(read_at(disk, get<std::uint64_t>(header, 72), std::size_t{count} * size));
    if (entries.size() != std::size_t{count} * size || checksum(entries) != get<std::uint32_t>(header, 88))
        return fail(Kind::corrupt, "the entries of its GPT are damaged");
    DiskTable table{.guid = guid_text(header.substr(56, kGuid)),
                    .first_usable = get<std::uint64_t>(header, 40),
                    .last_usable = get<std::uint64_t>(header, 48),
                    .partitions = {}};
    for (unsigned i = 0; i < count; ++i) {
        const auto entry = std::string_view(entries).substr(i * kEntry, kEntry);
        if (is_zero(entry.substr(0, kGuid))) continue;
        table.partitions.push_back({.number = i + 1,
                                    .label = name_text(entry.substr(56)),
                                    .type = guid_text(entry.substr(0, kGuid)),
                                    .guid = guid_text(entry.substr(kGuid, kGuid)),
                                    .first = get<std::uint64_t>(entry, 32),
                                    .last = get<std::uint64_t>(entry, 40)});
    }
    return table;
}

Result<std::optional<DiskTable>> read_table(const std::string& device) {
    const auto fd = TRY(sys::open_path(device, O_RDONLY | O_NONBLOCK));
    Disk disk{.fd = fd};
    int sector = 512;
    if (::ioctl(fd.raw(), BLKGETSIZE64, &disk.bytes) < 0 || ::ioctl(fd.raw(), BLKSSZGET, &sector) < 0)
        return fail_errno(errno, "ask {} for its size", device);
    disk.sector = static_cast<unsigned>(sector);
    return read_gpt(disk);
}

Result<void> write_gpt(const Disk& disk, const DiskTable& table) {
    const auto entries = entries_of(table);
    const auto last = disk.bytes / disk.sector - 1;
    const auto span = (entries.size() + disk.sector - 1) / disk.sector;
    std::string protective(disk.sector, '\0');
    put_mbr_entry(protective, 0, 0xEE, 1, last);
    // The copy first: a power cut leaves the old table, or one that is whole.
    TRY(write_at(disk, last - span, entries));
    TRY(write_at(disk, last, header_of(table, disk, entries, false)));
    TRY(sys::sync_fd(disk.fd));
    TRY(write_at(disk, 2, entries));
    TRY(write_at(disk, 0, protective));
    TRY(write_at(disk, 1, header_of(table, disk, entries, true)));
    return sys::sync_fd(disk.fd);
}

Result<void> write_mbr(const Disk& disk, const DiskTable& table) {
    std::string sector(disk.sector, '\0');
    std::array<char, 4> signature;
    if (::getrandom(signature.data(), signature.size(), 0) != static_cast<ssize_t>(signature.size()))
        return fail_errno(errno, "make a signature");
    sector.replace(440, signature.size(), signature.data(), signature.size());
    for (const auto& partition : table.partitions) {
        if (partition.number > 4) return fail(Kind::invalid, "an MBR has four partitions: say table: gpt");
        put_mbr_entry(sector, partition.number - 1, mbr_type(partition.type), partition.first,
                      partition.last - partition.first + 1);
    }
    // No GPT may stand behind it.
    TRY(write_at(disk, 1, std::string(disk.sector, '\0')));
    TRY(write_at(disk, 0, sector));
    return sys::sync_fd(disk.fd);
}

}  // namespace diatom::configure
