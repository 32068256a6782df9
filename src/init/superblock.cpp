#include "init/superblock.h"

#include <algorithm>

namespace diatom::init {
namespace {

// The superblock and its fields, by offset; all little-endian.
constexpr std::size_t kSuperblock = 1024, kSuperblockSize = 1024;
constexpr std::size_t kBlocksLow = 0x04, kLogBlockSize = 0x18, kMagic = 0x38, kState = 0x3a, kIncompat = 0x60,
                      kLabel = 0x78;
constexpr std::size_t kBlocksHigh = 0x150, kLabelSize = 16;
constexpr std::uint16_t kMagicValue = 0xef53, kStateValid = 1, kStateError = 2;
constexpr std::uint32_t kIncompatRecover = 0x4, kIncompat64Bit = 0x80;

template <class T>
T read_little(std::string_view bytes, std::size_t at) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value |
                               static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[at + i])) << (8 * i)));
    }
    return value;
}

bool is_zero(std::string_view bytes) {
    return std::ranges::all_of(bytes, [](char c) { return c == 0; });
}

}  // namespace

std::optional<Ext4> parse_ext4(std::string_view head) {
    if (head.size() < kSuperblock + kSuperblockSize) return std::nullopt;
    const auto block = head.substr(kSuperblock, kSuperblockSize);
    const auto log_size = read_little<std::uint32_t>(block, kLogBlockSize);
    if (read_little<std::uint16_t>(block, kMagic) != kMagicValue || log_size > 6) return std::nullopt;
    Ext4 found;
    const auto label = block.substr(kLabel, kLabelSize);
    found.label = label.substr(0, label.find('\0'));
    const auto state = read_little<std::uint16_t>(block, kState);
    const auto incompat = read_little<std::uint32_t>(block, kIncompat);
    found.clean = (state & kStateValid) != 0 && (state & kStateError) == 0 && (incompat & kIncompatRecover) == 0;
    std::uint64_t blocks = read_little<std::uint32_t>(block, kBlocksLow);
    if ((incompat & kIncompat64Bit) != 0)
        blocks |= std::uint64_t{read_little<std::uint32_t>(block, kBlocksHigh)} << 32U;
    found.bytes = blocks << (10U + log_size);
    return found;
}

Contents classify(std::string_view head, std::string_view tail) {
    const bool marked = head.starts_with(kEmptyMarker);
    if (is_zero(marked ? head.substr(kEmptyMarker.size()) : head) && is_zero(tail)) {
        return marked ? Contents::marked : Contents::blank;
    }
    return parse_ext4(head) ? Contents::ext4 : Contents::other;
}

}  // namespace diatom::init
