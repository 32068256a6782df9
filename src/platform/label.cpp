#include "platform/label.h"

#include "base/strings.h"

namespace diatom::platform {
namespace {

constexpr std::size_t kSector = 2048;
constexpr std::size_t kFirstDescriptor = 16;  // sector
constexpr std::size_t kLabelAt = 40, kLabelSize = 32;
constexpr std::size_t kBootSector = 512;

// Padded with blanks or zeros.
std::string padded(std::string_view bytes) { return std::string(trim(bytes.substr(0, bytes.find('\0')))); }

// Big-endian UCS-2; a label beyond ASCII is none of those that are looked for.
std::string joliet(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i + 1 < bytes.size() && (bytes[i] != '\0' || bytes[i + 1] != '\0'); i += 2) {
        text += bytes[i] == '\0' && static_cast<unsigned char>(bytes[i + 1]) < 0x80 ? bytes[i + 1] : '?';
    }
    return std::string(trim(text));
}

std::optional<std::string> iso_label(std::string_view head) {
    std::optional<std::string> label;
    for (std::size_t sector = kFirstDescriptor; (sector + 1) * kSector <= head.size(); ++sector) {
        const auto descriptor = head.substr(sector * kSector, kSector);
        if (descriptor.substr(1, 5) != "CD001") break;
        const auto type = static_cast<unsigned char>(descriptor[0]);
        const auto name = descriptor.substr(kLabelAt, kLabelSize);
        const bool is_joliet = descriptor.substr(88, 2) == "%/";
        if (type == 1 && !label) label = padded(name);
        if (type == 2 && is_joliet && label && !joliet(name).empty()) label = joliet(name);
        if (type == 255) break;
    }
    return label;
}

// FAT12 and FAT16 have it at 43, FAT32 at 71, each before the name of the type.
std::optional<std::string> fat_label(std::string_view head) {
    if (head.size() < kBootSector || head.substr(510, 2) != "\x55\xaa") return std::nullopt;
    for (const std::size_t at : {std::size_t{43}, std::size_t{71}}) {
        if (!head.substr(at + 11, 8).starts_with("FAT")) continue;
        const auto label = padded(head.substr(at, 11));
        return label == "NO NAME" ? std::string() : label;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> file_system_label(std::string_view head) {
    if (auto label = iso_label(head)) return label;
    return fat_label(head);
}

}  // namespace diatom::platform
