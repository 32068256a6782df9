#include <algorithm>

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

bool overlap(const Subnet& one, const Subnet& other) {
    return one.prefix <= other.prefix ? one.contains(other.base) : other.contains(one.base);
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

}  // namespace diatom::net
