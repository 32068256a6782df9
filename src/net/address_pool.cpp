#include <algorithm>

#include "net/network.h"

namespace diatom::net {
namespace {

constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 62U;

// Offsets of the first and last address that a container may have. IPv4 loses the network and the broadcast address
// (not in /31 and /32: RFC 3021), IPv6 the subnet-router anycast address (RFC 4291, 2.6.1).
struct Range {
    std::uint64_t first, last;
};

Range usable(const Subnet& subnet) {
    const auto bits = static_cast<unsigned>(subnet.base.size() * 8) - subnet.prefix;
    const std::uint64_t last = bits >= 62 ? kMaxOffset : (std::uint64_t{1} << bits) - 1;
    if (bits <= 1) return {.first = 0, .last = last};
    return {.first = 1, .last = subnet.base.family() == Address::Family::v4 ? last - 1 : last};
}

// Distance of an address from the subnet's base, kMaxOffset when it is further.
std::uint64_t offset_of(const Subnet& subnet, const Address& address) {
    unsigned __int128 distance = 0;
    for (std::size_t i = 0; i < address.size(); ++i) {
        distance = distance << 8U | static_cast<std::uint8_t>(address.bytes()[i] ^ subnet.base.bytes()[i]);
    }
    return distance > kMaxOffset ? kMaxOffset : static_cast<std::uint64_t>(distance);
}

// Offsets within the pool's subnet that it may give.
Range given(const Pool& pool) {
    Range range = usable(pool.subnet);
    if (pool.range.base.empty()) return range;
    const auto bits = static_cast<unsigned>(pool.range.base.size() * 8) - pool.range.prefix;
    const std::uint64_t first = offset_of(pool.subnet, pool.range.base);
    const std::uint64_t count = bits >= 62 ? kMaxOffset : std::uint64_t{1} << bits;
    range.first = std::max(range.first, first);
    range.last = std::min(range.last, first + count - 1);
    return range;
}

// Whether the address names the subnet as a whole.
bool reserved(const Subnet& subnet, const Address& address) {
    if (usable(subnet).first == 0) return false;
    if (address == subnet.base) return true;
    return address.family() == Address::Family::v4 && address == subnet.base.plus(usable(subnet).last + 1);
}

}  // namespace

bool overlap(const Subnet& one, const Subnet& other) {
    return one.prefix <= other.prefix ? one.contains(other.base) : other.contains(one.base);
}

AddressPool::AddressPool(const Pool& pool) : pool_(pool) {
    next_ = given(pool_).first;
    for (const auto& [name, address] : pool_.reserved) used_.push_back(address);
    std::ranges::sort(used_);
    const auto repeated = std::ranges::unique(used_);
    used_.erase(repeated.begin(), repeated.end());
}

Result<Address> AddressPool::take() {
    const auto [first, last] = given(pool_);
    // One more try than addresses are taken finds a free one, whatever the size of the subnet: the gateway makes two.
    const std::uint64_t tries = std::min(last - first + 1, std::uint64_t{used_.size()} + 2);
    std::uint64_t offset = next_;
    for (std::uint64_t i = 0; i < tries; ++i, ++offset) {
        if (offset > last || offset < first) offset = first;
        const Address candidate = pool_.subnet.base.plus(offset);
        const auto place = std::ranges::lower_bound(used_, candidate);
        if (candidate == pool_.gateway || (place != used_.end() && *place == candidate)) continue;
        used_.insert(place, candidate);
        next_ = offset + 1;
        return candidate;
    }
    return fail(Kind::exhausted,
                "no available addresses in subnet {}: {} are in use; remove containers or use a larger subnet",
                pool_.subnet.text(), used_.size());
}

Result<void> AddressPool::take(const Address& address) {
    if (!pool_.subnet.contains(address)) {
        return fail(Kind::invalid, "address {} is not in the network's subnet {}", address.text(), pool_.subnet.text());
    }
    if (reserved(pool_.subnet, address)) {
        return fail(Kind::invalid, "address {} is the network or broadcast address of {}: choose another",
                    address.text(), pool_.subnet.text());
    }
    const auto place = std::ranges::lower_bound(used_, address);
    if (address == pool_.gateway || (place != used_.end() && *place == address)) {
        return fail(Kind::conflict, "Address already in use: {} in {}", address.text(), pool_.subnet.text());
    }
    used_.insert(place, address);
    return {};
}

void AddressPool::release(const Address& address) {
    const auto place = std::ranges::lower_bound(used_, address);
    if (place != used_.end() && *place == address) used_.erase(place);
}

std::size_t AddressPool::in_use() const noexcept { return used_.size(); }

}  // namespace diatom::net
