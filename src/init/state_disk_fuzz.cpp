// What stands on a disk that PID 1 looks at. The first line of an input says what it is: superblock (the beginning of a
// device) or gpt (its header, 92 bytes, and its entries; the checksums are made right, or no other field would ever be
// read).
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "init/gpt.h"
#include "init/gpt_bytes.h"
#include "init/superblock.h"
#include "sys/file.h"

namespace {

using namespace diatom;
using namespace diatom::init;

constexpr std::size_t kHeader = 92, kSector = 512;
constexpr std::uint64_t kDisk = 64U << 20U;  // bytes

void check(bool holds) {
    if (!holds) __builtin_trap();
}

void write_at(FdRef disk, const std::string& bytes, std::uint64_t offset) {
    if (offset < kDisk) std::ignore = ::pwrite(disk.raw(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
}

void fuzz_superblock(std::string_view head) {
    const auto ext4 = parse_ext4(head);
    if (ext4) check(ext4->label.size() <= 16);
    const auto contents = classify(head, {});
    check(contents != Contents::ext4 || ext4.has_value());
    if (contents == Contents::marked) check(head.starts_with(kEmptyMarker));
}

void fuzz_gpt(std::string_view text) {
    if (text.size() < kHeader) return;
    std::string header(text.substr(0, kHeader)), entries(text.substr(kHeader));
    header.replace(0, 8, "EFI PART");
    put<std::uint32_t>(header, 12, kHeader);
    const auto bytes = std::size_t{get<std::uint32_t>(header, 80)} * get<std::uint32_t>(header, 84);
    if (bytes > (1U << 20U)) return;
    entries.resize(bytes);
    put<std::uint32_t>(header, 88, crc32(entries));
    put<std::uint32_t>(header, 16, 0);
    put<std::uint32_t>(header, 16, crc32(header));
    const auto disk = sys::memory_file("disk", "", false);
    check(disk && ::ftruncate(disk->raw(), kDisk) == 0);
    write_at(*disk, entries, get<std::uint64_t>(header, 72) * kSector);
    write_at(*disk, header, kSector);

    const auto first = entries.size() < 40 ? 2048 : get<std::uint64_t>(entries, 32);
    const auto grown = grow_last_partition(*disk, {kDisk, kSector}, first);
    if (!grown || !*grown) return;
    check((*grown)->first_lba == first && (*grown)->last_lba >= first && (*grown)->last_lba < kDisk / kSector);
    // What was written is a table in which there is nothing more to gain.
    const auto again = grow_last_partition(*disk, {kDisk, kSector}, first);
    check(again && !*again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto halves = cut({reinterpret_cast<const char*>(data), size}, '\n');
    if (!halves) return 0;
    if (halves->first == "superblock") fuzz_superblock(halves->second);
    else if (halves->first == "gpt") fuzz_gpt(halves->second);
    return 0;
}
