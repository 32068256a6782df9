#include "cloud/interfaces.h"

#include <arpa/inet.h>

#include <array>
#include <bit>

#include "base/strings.h"

namespace diatom::cloud {
namespace {

struct Address {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;  // 4 or 16; 0: no address
};

Address parse(std::string_view text) {
    Address address;
    const std::string whole(text);
    if (::inet_pton(AF_INET, whole.c_str(), address.bytes.data()) == 1) address.size = 4;
    else if (::inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) == 1) address.size = 16;
    return address;
}

}  // namespace

std::optional<int> prefix_of_mask(std::string_view mask) {
    if (const auto bits = parse_uint(mask)) return *bits <= 128 ? std::optional(static_cast<int>(*bits)) : std::nullopt;
    const auto address = parse(mask);
    if (address.size == 0) return std::nullopt;
    int bits = 0;
    bool ended = false;
    for (std::size_t i = 0; i < address.size; ++i) {
        const auto ones = std::countl_one(address.bytes[i]);
        if ((ended && address.bytes[i] != 0) || std::popcount(address.bytes[i]) != ones) return std::nullopt;
        bits += ones;
        ended = ended || ones < 8;
    }
    return bits;
}

bool is_ipv6(std::string_view address) { return address.contains(':'); }

std::string with_prefix(std::string_view address, std::string_view mask) {
    if (address.contains('/')) return std::string(address);
    const auto bits = mask.empty() ? std::optional(is_ipv6(address) ? 128 : 32) : prefix_of_mask(mask);
    return bits ? std::format("{}/{}", address, *bits) : std::format("{}/{}", address, mask);
}

bool is_inside(std::string_view address, std::string_view prefix) {
    const auto halves = cut(prefix, '/');
    if (!halves) return false;
    const auto bits = parse_uint(halves->second);
    const auto one = parse(address), network = parse(halves->first);
    if (!bits || one.size == 0 || one.size != network.size || *bits > one.size * 8) return false;
    for (std::size_t i = 0; i < *bits; ++i) {
        const auto bit = static_cast<std::uint8_t>(0x80U >> (i % 8));
        if (((one.bytes[i / 8] ^ network.bytes[i / 8]) & bit) != 0) return false;
    }
    return true;
}

void check_vlan(const Section& device, const Value& vlan) {
    if (!vlan.has("id") || !vlan.has("link"))
        device.notes().bad(device.value(), device.path(), "a VLAN needs a number and the link that it is on");
}

}  // namespace diatom::cloud
