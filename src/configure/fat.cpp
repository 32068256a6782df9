#include "configure/fat.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/strings.h"
#include "configure/disk_fields.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::uint32_t kReserved = 32, kFats = 2, kLeastClusters = 65'525;
constexpr std::uint32_t kFirstCluster = 2, kInfoSector = 1, kBackupSector = 6, kUnknown = 0xFFFFFFFF;
constexpr std::uint8_t kFixedDisk = 0xF8, kVolumeLabel = 0x08;
constexpr std::size_t kLabel = 11;

std::string padded(std::string text) {
    text.resize(kLabel, ' ');
    return text;
}

Result<void> check_label(std::string_view label) {
    const bool wrong =
        std::ranges::any_of(label, [](char c) { return c < ' ' || c > '~' || strchr("*?.,;:/\\|+=<>[]\"", c); });
    if (wrong || label.size() > kLabel)
        return fail(Kind::invalid, "a label of FAT has up to {} characters of ASCII without punctuation", kLabel);
    return {};
}

// Bytes, by the specification's table for FAT32.
std::uint32_t cluster_bytes(std::uint64_t bytes) {
    constexpr std::uint64_t kMiB = 1U << 20U, kGiB = 1U << 30U;
    if (bytes <= 260 * kMiB) return 512;
    if (bytes <= 8 * kGiB) return 4096;
    if (bytes <= 16 * kGiB) return 8192;
    return bytes <= 32 * kGiB ? 16'384 : 32'768;
}

struct Geometry {
    std::uint32_t sectors = 0, cluster = 0;  // of the device; sectors of a cluster
    std::uint32_t fat = 0, clusters = 0;     // sectors of one FAT
};

Result<Geometry> plan_geometry(const NewFat& wanted) {
    const auto sectors = wanted.bytes / wanted.sector;
    if (sectors > UINT32_MAX) return fail(Kind::invalid, "FAT has up to 2^32 sectors, and this is larger");
    Geometry made{.sectors = static_cast<std::uint32_t>(sectors),
                  .cluster = std::max(cluster_bytes(wanted.bytes) / wanted.sector, 1U)};
    const std::uint64_t per_fat_sector = (std::uint64_t{wanted.sector} / 2 * made.cluster + kFats) / 2;
    const auto behind = sectors > kReserved ? sectors - kReserved : 0;
    made.fat = static_cast<std::uint32_t>((behind + per_fat_sector - 1) / per_fat_sector);
    const auto tables = std::uint64_t{kFats} * made.fat;
    made.clusters = behind > tables ? static_cast<std::uint32_t>((behind - tables) / made.cluster) : 0;
    if (made.clusters < kLeastClusters) {
        return fail(Kind::invalid, "FAT32 needs {} clusters, and {} bytes have room for {}", kLeastClusters,
                    wanted.bytes, made.clusters);
    }
    return made;
}

std::string boot_sector(const NewFat& wanted, const Geometry& made) {
    std::string bytes(wanted.sector, '\0');
    bytes.replace(0, 3, "\xEB\x58\x90");
    bytes.replace(3, 8, "DIATOM  ");
    put(bytes, 11, static_cast<std::uint16_t>(wanted.sector));
    put(bytes, 13, static_cast<std::uint8_t>(made.cluster));
    put(bytes, 14, static_cast<std::uint16_t>(kReserved));
    put(bytes, 16, static_cast<std::uint8_t>(kFats));
    put(bytes, 21, kFixedDisk);
    put(bytes, 24, std::uint16_t{63});  // sectors of a track, heads: what everybody writes
    put(bytes, 26, std::uint16_t{255});
    put(bytes, 32, made.sectors);
    put(bytes, 36, made.fat);
    put(bytes, 44, kFirstCluster);  // the root directory
    put(bytes, 48, static_cast<std::uint16_t>(kInfoSector));
    put(bytes, 50, static_cast<std::uint16_t>(kBackupSector));
    put(bytes, 64, std::uint8_t{0x80});
    put(bytes, 66, std::uint8_t{0x29});  // serial number, label and type follow
    put(bytes, 67, wanted.serial);
    bytes.replace(71, kLabel, padded(wanted.label.empty() ? "NO NAME" : wanted.label));
    bytes.replace(82, 8, "FAT32   ");
    put(bytes, 510, std::uint16_t{0xAA55});
    return bytes;
}

std::string info_sector(const NewFat& wanted, const Geometry& made) {
    std::string bytes(wanted.sector, '\0');
    put(bytes, 0, std::uint32_t{0x41615252});
    put(bytes, 484, std::uint32_t{0x61417272});
    put(bytes, 488, made.clusters - 1);  // free: all but the root directory
    put(bytes, 492, kFirstCluster);      // where to begin to look
    put(bytes, 508, std::uint32_t{0xAA550000});
    return bytes;
}

// What the first two entries say, and the end of the root directory.
std::string first_entries() {
    std::string bytes(12, '\0');
    put(bytes, 0, 0x0FFFFF00U | kFixedDisk);
    put(bytes, 4, kUnknown >> 4U);
    put(bytes, 8, kUnknown >> 4U);
    return bytes;
}

Result<std::uint32_t> serial_of(const std::string& uuid) {
    std::uint32_t serial = 0;
    if (uuid.empty()) {
        if (::getrandom(&serial, sizeof serial, 0) != sizeof serial) return fail_errno(errno, "make a serial number");
        return serial;
    }
    auto digits = uuid;
    std::erase(digits, '-');
    const auto* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, serial, 16);
    if (digits.size() != 8 || read.ptr != end)
        return fail(Kind::invalid, "{}: FAT has a number such as 1A2B-3C4D", uuid);
    return serial;
}

Result<void> write_at(FdRef fd, std::uint64_t at, std::string_view bytes) {
    if (::lseek(fd.raw(), static_cast<off_t>(at), SEEK_SET) < 0) return fail_errno(errno, "seek");
    return sys::write_all(fd, bytes);
}

}  // namespace

Result<FatLayout> plan_fat(const NewFat& wanted) {
    TRY(check_label(wanted.label));
    const auto made = TRY(plan_geometry(wanted));
    const std::uint64_t sector = wanted.sector, fat = kReserved * sector, root = fat + kFats * made.fat * sector;
    FatLayout layout{.zeroed = root + made.cluster * sector};
    for (const auto at : {0U, kBackupSector}) {
        layout.pieces.push_back({at * sector, boot_sector(wanted, made)});
        layout.pieces.push_back({(at + kInfoSector) * sector, info_sector(wanted, made)});
    }
    for (std::uint32_t i = 0; i < kFats; ++i) layout.pieces.push_back({fat + i * made.fat * sector, first_entries()});
    if (!wanted.label.empty()) layout.pieces.push_back({root, padded(wanted.label) + static_cast<char>(kVolumeLabel)});
    return layout;
}

Result<void> make_fat(const std::string& device, const std::string& label, const std::string& uuid) {
    const auto fd = TRY(sys::open_path(device, O_RDWR));
    NewFat wanted{.label = label, .serial = TRY(serial_of(uuid))};
    int sector = 0;
    if (::ioctl(fd.raw(), BLKGETSIZE64, &wanted.bytes) < 0 || ::ioctl(fd.raw(), BLKSSZGET, &sector) < 0)
        return fail_errno(errno, "ask for the size");
    wanted.sector = static_cast<unsigned>(sector);
    const auto layout = TRY(plan_fat(wanted));
    // Without the first sector it is no file system: it comes last.
    const std::string zeros(1U << 20U, '\0');
    for (std::uint64_t at = 0; at < layout.zeroed; at += zeros.size()) {
        const auto size = std::min<std::uint64_t>(zeros.size(), layout.zeroed - at);
        TRY(write_at(fd, at, std::string_view(zeros).substr(0, size)), "write zeros");
    }
    for (auto piece = layout.pieces.rbegin(); piece != layout.pieces.rend(); ++piece)
        TRY(write_at(fd, piece->at, piece->bytes), "write at {}", piece->at);
    return sys::sync_fd(fd);
}

}  // namespace diatom::configure
