#include "configure/file_system.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/strings.h"
#include "configure/fat.h"
#include "platform/label.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::size_t kPage = 4096, kSwapMagic = kPage - 10, kUuid = 16;
constexpr int kRepaired = 1;  // e2fsck: what was wrong is right now
constexpr int kFormatMs = 30 * 60 * 1000;

std::string_view bytes_at(std::string_view head, std::size_t offset, std::size_t size) {
    return head.size() >= offset + size ? head.substr(offset, size) : std::string_view();
}

// Up to the first NUL, without blanks behind.
std::string text_at(std::string_view head, std::size_t offset, std::size_t size) {
    const auto field = bytes_at(head, offset, size);
    return std::string(trim(field.substr(0, field.find('\0'))));
}

std::string uuid_at(std::string_view head, std::size_t offset) {
    const auto field = bytes_at(head, offset, kUuid);
    const auto hex = to_hex(std::span(reinterpret_cast<const std::uint8_t*>(field.data()), field.size()));
    if (hex.size() != 2 * kUuid || hex.find_first_not_of('0') == std::string::npos) return {};
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
           hex.substr(20);
}

// A volume's serial number, as it is written: 1A2B-3C4D.
std::string serial_at(std::string_view head, std::size_t offset) {
    const auto field = bytes_at(head, offset, 4);
    if (field.empty()) return {};
    const auto byte = [&](int i) { return static_cast<unsigned char>(field[static_cast<std::size_t>(i)]); };
    return std::format("{:02X}{:02X}-{:02X}{:02X}", byte(3), byte(2), byte(1), byte(0));
}

Result<std::string> read_head(const std::string& device, std::size_t size) {
    const auto fd = TRY(sys::open_path(device, O_RDONLY | O_NONBLOCK));
    std::string head(size, '\0');
    const auto got = ::pread(fd.raw(), head.data(), head.size(), 0);
    if (got < 0) return fail_errno(errno, "read {}", device);
    head.resize(static_cast<std::size_t>(got));
    return head;
}

Result<void> run_tool(std::vector<std::string> argv, int worst = 0) {
    proc::SpawnRequest request;
    request.path = argv[0];
    request.argv = std::move(argv);
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "MKE2FS_SKIP_PROGRESS=1"};
    const auto name = request.path;
    const auto output = TRY(proc::run(std::move(request), kFormatMs));
    if (output.status.shell_code() <= worst) return {};
    return fail(Kind::io, "{} ended with {}: {}", name, output.status.shell_code(), trim(output.out));
}

std::optional<std::string> uuid_bytes(const std::string& uuid) {
    std::string bytes;
    std::string digits;
    std::ranges::copy_if(uuid, std::back_inserter(digits), [](char c) { return c != '-'; });
    if (digits.size() != 2 * kUuid) return std::nullopt;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        unsigned value = 0;
        const auto end = std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
        if (end.ptr != digits.data() + i + 2) return std::nullopt;
        bytes += static_cast<char>(value);
    }
    return bytes;
}

Result<void> make_swap(const NewFileSystem& wanted) {
    const auto device = TRY(sys::open_path(wanted.device, O_RDWR));
    std::uint64_t bytes = 0;
    if (::ioctl(device.raw(), BLKGETSIZE64, &bytes) < 0) return fail_errno(errno, "ask for the size");
    const auto page = TRY(swap_header(bytes, wanted.label, wanted.uuid));
    const std::string zeros(kFileSystemHead, '\0');
    if (::pwrite(device.raw(), zeros.data(), zeros.size(), 0) < 0 ||
        ::pwrite(device.raw(), page.data(), page.size(), 0) < 0)
        return fail_errno(errno, "write the header");
    return sys::sync_fd(device);
}

}  // namespace

std::optional<FileSystem> parse_file_system(std::string_view head) {
    if (bytes_at(head, 1080, 2) == "\x53\xEF") return FileSystem{"ext4", text_at(head, 1144, 16), uuid_at(head, 1128)};
    if (bytes_at(head, kSwapMagic, 10) == "SWAPSPACE2")
        return FileSystem{"swap", text_at(head, 1052, 16), uuid_at(head, 1036)};
    if (head.starts_with("XFSB")) return FileSystem{"xfs", text_at(head, 108, 12), uuid_at(head, 32)};
    if (bytes_at(head, 65600, 8) == "_BHRfS_M")
        return FileSystem{"btrfs", text_at(head, 65835, 255), uuid_at(head, 65568)};
    if (bytes_at(head, 32769, 5) == "CD001")
        return FileSystem{"iso9660", platform::file_system_label(head).value_or(""), {}};
    const bool wide = bytes_at(head, 82, 5) == "FAT32";
    if (wide || bytes_at(head, 54, 4) == "FAT1") {
        auto label = text_at(head, wide ? 71 : 43, 11);
        if (label == "NO NAME") label.clear();
        return FileSystem{"vfat", std::move(label), serial_at(head, wide ? 67 : 39)};
    }
    return std::nullopt;
}

Result<std::optional<FileSystem>> file_system_of(const std::string& device) {
    return parse_file_system(TRY(read_head(device, kFileSystemHead)));
}

Result<bool> is_blank(const std::string& device) {
    const auto head = TRY(read_head(device, 1U << 20U));
    return std::ranges::all_of(head, [](char c) { return c == '\0'; });
}

Result<std::string> swap_header(std::uint64_t bytes, const std::string& label, const std::string& uuid) {
    const auto pages = bytes / kPage;
    if (pages < 10) return fail(Kind::invalid, "room to swap to is at least 40 KiB");
    std::string page(kPage, '\0');
    const std::uint32_t fields[] = {1, static_cast<std::uint32_t>(std::min<std::uint64_t>(pages - 1, UINT32_MAX)), 0};
    std::memcpy(page.data() + 1024, fields, sizeof fields);
    auto id = uuid.empty() ? std::optional(std::string(kUuid, '\0')) : uuid_bytes(uuid);
    if (!id) return fail(Kind::invalid, "{} is no UUID", uuid);
    if (uuid.empty() && ::getrandom(id->data(), id->size(), 0) != static_cast<ssize_t>(kUuid))
        return fail_errno(errno, "make a UUID");
    page.replace(1036, kUuid, *id);
    page.replace(1052, std::min<std::size_t>(label.size(), 16), label.substr(0, 16));
    page.replace(kSwapMagic, 10, "SWAPSPACE2");
    return page;
}

Result<void> make_file_system(const NewFileSystem& wanted) {
    if (wanted.type == "swap") return make_swap(wanted);
    if (wanted.type == "vfat") {
        if (!wanted.options.empty()) return fail(Kind::unsupported, "vfat is made here without options");
        return make_fat(wanted.device, wanted.label, wanted.uuid);
    }
    if (wanted.type != "ext4" && wanted.type != "ext3" && wanted.type != "ext2")
        return fail(Kind::unsupported, "{}: ext4, vfat and swap are made here", wanted.type);
    std::vector<std::string> argv{"/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-E", "nodiscard"};
    if (!wanted.label.empty()) argv.insert(argv.end(), {"-L", wanted.label});
    if (!wanted.uuid.empty()) argv.insert(argv.end(), {"-U", wanted.uuid});
    argv.insert(argv.end(), wanted.options.begin(), wanted.options.end());
    argv.push_back(wanted.device);
    return run_tool(std::move(argv));
}

Result<void> grow_file_system(const std::string& device) {
    const auto there = TRY(file_system_of(device));
    if (!there) return {};
    if (there->type != "ext4")
        return fail(Kind::unsupported, "the partition has grown, but {} is not grown here", there->type);
    TRY(run_tool({"/usr/sbin/e2fsck", "-f", "-p", device}, kRepaired));
    return run_tool({"/usr/sbin/resize2fs", device});
}

}  // namespace diatom::configure
