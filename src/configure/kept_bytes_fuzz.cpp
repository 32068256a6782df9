// What stands on disks that somebody else wrote, and in what was kept of an instance. The first line of an input says
// what it is: file-system (the beginning of a device), gpt (its header, 92 bytes, and its entries; the checksums are
// made right, or no other field would ever be read) or handed (JSON).
#include <isa-l/crc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "base/strings.h"
#include "configure/disk_fields.h"
#include "configure/file_system.h"
#include "configure/instance_store.h"
#include "configure/partition_table.h"
#include "machine/store.h"
#include "sys/file.h"

namespace {

using namespace diatom;
using namespace diatom::configure;

constexpr std::size_t kHeader = 92, kSector = 512;
constexpr std::uint64_t kDisk = 64U << 20U;

void check(bool holds) {
    if (!holds) __builtin_trap();
}

std::uint32_t checksum(std::string_view bytes) {
    return ::crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

// What was read may be added to; what is written then is read the same.
void fuzz_gpt(std::string_view text) {
    if (text.size() < kHeader) return;
    std::string header(text.substr(0, kHeader)), entries(text.substr(kHeader));
    header.replace(0, 8, "EFI PART");
    put<std::uint32_t>(header, 12, kHeader);
    const auto bytes = std::size_t{get<std::uint32_t>(header, 80)} * get<std::uint32_t>(header, 84);
    if (bytes > (1U << 15U)) return;
    entries.resize(bytes);
    put<std::uint32_t>(header, 88, checksum(entries));
    put<std::uint32_t>(header, 16, 0);
    put<std::uint32_t>(header, 16, checksum(header));
    auto file = sys::memory_file("disk", "", false);
    check(file && ::ftruncate(file->raw(), kDisk) == 0);
    const Disk disk{.fd = *file, .bytes = kDisk};
    const auto at = get<std::uint64_t>(header, 72);
    if (at < kDisk / kSector)
        std::ignore = ::pwrite(file->raw(), entries.data(), bytes, static_cast<off_t>(at * kSector));
    std::ignore = ::pwrite(file->raw(), header.data(), header.size(), kSector);
    const auto table = read_gpt(disk);
    if (!table || !*table) return;
    static const auto wanted = machine::read_document("partitions: [{label: new, size: 1m}]", "fuzz");
    const auto planned = plan_table(*table, *wanted, disk);
    if (!planned || !write_gpt(disk, *planned)) return;
    const auto again = read_gpt(disk);
    check(again && *again && (*again)->partitions.size() == planned->partitions.size());
}

void fuzz_handed(std::string_view text) {
    const auto json = parse_json(text, "handed.json");
    const auto handed = json ? decode_handed(*json) : Result<Handed>(std::unexpected(json.error()));
    if (!handed) return;
    const auto again = decode_handed(encode(*handed));
    check(again && again->instances.size() == handed->instances.size());
    check(!instance_id_of(*handed).contains('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto halves = cut({reinterpret_cast<const char*>(data), size}, '\n');
    if (!halves) return 0;
    if (halves->first == "file-system") std::ignore = parse_file_system(halves->second);
    else if (halves->first == "gpt") fuzz_gpt(halves->second);
    else if (halves->first == "handed") fuzz_handed(halves->second);
    return 0;
}
