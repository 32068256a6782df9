#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "net/links.h"
#include "net/network.h"

namespace diatom::net {
namespace {

// Docker's default pools, in its order: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20.
std::vector<Subnet> default_pools() {
    std::vector<Subnet> pools;
    for (std::uint32_t second = 17; second <= 31; ++second) {
        pools.push_back({.base = Address::v4(172U << 24U | second << 16U), .prefix = 16});
    }
    for (std::uint32_t third = 0; third < 256; third += 16) {
        pools.push_back({.base = Address::v4(192U << 24U | 168U << 16U | third << 8U), .prefix = 20});
    }
    return pools;
}

}  // namespace

Result<Subnet> choose_subnet(const std::vector<Subnet>& taken) {
    Links links = TRY(Links::open());
    std::vector<Subnet> busy = taken;
    for (const auto& route : TRY(links.routes())) busy.push_back(route);
    for (const auto& entry : TRY(links.addresses())) {
        busy.push_back({.base = entry.address, .prefix = static_cast<unsigned>(entry.address.size() * 8)});
    }
    for (const auto& pool : default_pools()) {
        if (std::ranges::none_of(busy, [&](const Subnet& other) { return overlap(pool, other); })) return pool;
    }
    return fail(
        Kind::exhausted,
        "all predefined address pools are in use by networks or routes of this host: remove unused networks, or "
        "choose a subnet yourself");
}

Result<Subnet> choose_subnet6(const std::vector<Subnet>& taken) {
    constexpr int kTries = 16;
    for (int i = 0; i < kTries; ++i) {
        // fd, a global id of 40 random bits, a subnet id of 16 bits.
        std::array<std::uint8_t, 16> bytes{0xfd};
        if (::getrandom(bytes.data() + 1, 5, 0) != 5) return fail_errno(errno, "choose a unique local subnet");
        const Subnet subnet{.base = Address::v6(bytes), .prefix = 64};
        if (std::ranges::none_of(taken, [&](const Subnet& other) { return overlap(subnet, other); })) return subnet;
    }
    return fail(Kind::exhausted, "no free IPv6 subnet was found: choose one with --subnet");
}

}  // namespace diatom::net
