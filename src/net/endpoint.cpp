#include "net/endpoint.h"

#include <algorithm>
#include <cstring>

#include "net/namespace.h"
#include "net/sysctl.h"

namespace diatom::net {
namespace {

constexpr int kLoopbackIndex = 1;

// FNV-1a: the names must be the same in every version and on every machine, which std::hash does not promise.
std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
    return hash ^ hash >> 32U;
}

const Pool* pool_of(const BridgeSpec& bridge, const Address& address) {
    const auto found =
        std::ranges::find_if(bridge.pools, [&](const Pool& pool) { return pool.subnet.contains(address); });
    return found == bridge.pools.end() ? nullptr : &*found;
}

Result<void> configure_inside(const BridgeSpec& bridge, const EndpointSpec& endpoint) {
    Links links = TRY(Links::open());
    const Link link = TRY(links.get(endpoint.interface));
    const bool six = std::ranges::contains(endpoint.addresses, Address::Family::v6, &Address::family);
    TRY(set_interface_ipv6(endpoint.interface, six ? Ipv6::on : Ipv6::off));
    for (const auto& address : endpoint.addresses) {
        const Pool* pool = pool_of(bridge, address);
        if (pool == nullptr) {
            return fail(Kind::invalid, "address {} is in no subnet of bridge {}", address.text(), bridge.name);
        }
        TRY(links.add_address(link.index, address, pool->subnet.prefix));
    }
    TRY(links.set_up(kLoopbackIndex));
    TRY(links.set_up(link.index));
    if (!endpoint.default_route || bridge.internal) return {};
    for (const auto family : {Address::Family::v4, Address::Family::v6}) {
        const auto address = std::ranges::find(endpoint.addresses, family, &Address::family);
        if (address == endpoint.addresses.end()) continue;
        const Address& gateway = pool_of(bridge, *address)->gateway;
        if (!gateway.empty()) TRY(links.add_default_route(link.index, gateway));
    }
    return {};
}

}  // namespace

std::string veth_alias(const std::string& container, const std::string& interface) {
    return container + "/" + interface;
}

std::string veth_name(const std::string& alias, unsigned attempt) {
    const std::string text = attempt == 0 ? alias : std::format("{}#{}", alias, attempt);
    return std::format("veth{:07x}", stable_hash(text) & 0xfffffffU);
}

Mac derive_mac(const std::vector<Address>& addresses, const std::string& name) {
    Mac mac = {0x02, 0x42};
    const auto four = std::ranges::find(addresses, Address::Family::v4, &Address::family);
    if (four != addresses.end()) {
        std::memcpy(mac.data() + 2, four->bytes(), 4);
    } else {
        const auto hash = static_cast<std::uint32_t>(stable_hash(name));
        std::memcpy(mac.data() + 2, &hash, sizeof hash);
    }
    return mac;
}

Result<void> configure_endpoint(const BridgeSpec& bridge, const EndpointSpec& endpoint, FdRef netns) {
    TRY(run_in_namespace(netns, [&] { return configure_inside(bridge, endpoint); }), "configure {} of container {}",
        endpoint.interface, endpoint.container);
    return {};
}

}  // namespace diatom::net
