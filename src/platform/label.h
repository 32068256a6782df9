// The label of a file system, read from the device's first bytes, for who looks for cidata or config-2 before udev
// runs. Source: ECMA-119 (ISO 9660), 8.4 and the Joliet specification; Microsoft's FAT specification 1.03
// ("fatgen103"), "Boot Sector and BPB". Thread side: any; pure, bytes are untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diatom::platform {

inline constexpr std::size_t kLabelHead = 64U << 10U;  // bytes from the beginning of a device

// "" for one without a label; nothing where it is neither ISO 9660 nor FAT. A long Joliet name comes before the short
// one. FAT's label is the boot sector's: mkfs.vfat, cloud-localds and Proxmox write it there, too.
std::optional<std::string> file_system_label(std::string_view head);

}  // namespace diatom::platform
