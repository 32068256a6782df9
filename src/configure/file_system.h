// What file system a device has, read from its own bytes, and the device that a name means: udev is not there yet when
// the configuration is applied. Source: Documentation/filesystems/ext4/super.rst and include/linux/swap.h of Linux
// 6.12; Microsoft's FAT specification 1.03; UEFI 2.10, section 5.3. Thread side: any; bytes are untrusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "configure/apply.h"

namespace diatom::configure {

struct FileSystem {
    std::string type;         // "ext4" (2 and 3, too), "vfat", "swap", "iso9660", "xfs", "btrfs"
    std::string label, uuid;  // as blkid(8) prints them
};

inline constexpr std::size_t kFileSystemHead = 68U << 10U;  // bytes from the beginning of a device
std::optional<FileSystem> parse_file_system(std::string_view head);

// Nothing there, or nothing known. Errors: it cannot be read.
Result<std::optional<FileSystem>> file_system_of(const std::string& device);
// Whether the beginning of a device is zeros.
Result<bool> is_blank(const std::string& device);

// "/dev/vdb1", "LABEL=data", "UUID=…", "PARTLABEL=…", "PARTUUID=…", and the same as links of /dev/disk. not_found: no
// device is called so.
Result<std::string> find_device(std::string_view name);

// Makes one: ext4, vfat, or swap. `options`: of mke2fs. unsupported: another type.
struct NewFileSystem {
    std::string device, type, label, uuid;
    std::vector<std::string> options;
};
Result<void> make_file_system(const NewFileSystem& wanted);

// To the size of its device; nothing but ext4 is grown.
Result<void> grow_file_system(const std::string& device);

// The page that makes a file or device one to swap to.
Result<std::string> swap_header(std::uint64_t bytes, const std::string& label, const std::string& uuid);

}  // namespace diatom::configure
