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

const Pool* pool_of(const std::vector<Pool>& pools, const Address& address) {
    const auto found = std::ranges::find_if(pools, [&](const Pool& pool) { return pool.subnet.contains(address); });
    return found == pools.end() ? nullptr : &*found;
}

Result<void> add_default_routes(Links& links, int index, const std::vector<Pool>& pools, Routing routing,
                                const EndpointSpec& endpoint) {
    for (const auto family : {Address::Family::v4, Address::Family::v6}) {
        if (!(family == Address::Family::v4 ? endpoint.default_route4 : endpoint.default_route6)) continue;
        const auto address = std::ranges::find(endpoint.addresses, family, &Address::family);
        if (address == endpoint.addresses.end()) continue;
        if (routing == Routing::by_interface) {
            TRY(links.add_default_route(index, family, {}));
            continue;
        }
        const Address& gateway = pool_of(pools, *address)->gateway;
        if (!gateway.empty()) TRY(links.add_default_route(index, family, gateway));
    }
    return {};
}

Result<void> configure_inside(const std::vector<Pool>& pools, Routing routing, const EndpointSpec& endpoint) {
    Links links = TRY(Links::open());
    const Link link = TRY(links.get(endpoint.interface));
    const bool six = std::ranges::contains(endpoint.addresses, Address::Family::v6, &Address::family) ||
                     std::ranges::contains(endpoint.link_local, Address::Family::v6, &Address::family);
    TRY(set_interface_ipv6(endpoint.interface, six ? Ipv6::on : Ipv6::off));
    for (const auto& address : endpoint.addresses) {
        const Pool* pool = pool_of(pools, address);
        if (pool == nullptr) return fail(Kind::invalid, "address {} is in no subnet of the network", address.text());
        TRY(links.add_address(link.index, address, pool->subnet.prefix));
    }
    for (const auto& address : endpoint.link_local)
        TRY(links.add_address(link.index, address, address.family() == Address::Family::v4 ? 16 : 64));
    TRY(links.set_up(kLoopbackIndex));
    TRY(links.set_up(link.index));
    for (const auto& [name, value] : endpoint.sysctls) TRY(set_sysctl(name, value));
    return routing == Routing::none ? Result<void>() : add_default_routes(links, link.index, pools, routing, endpoint);
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

Result<void> configure_endpoint(const std::vector<Pool>& pools, Routing routing, const EndpointSpec& endpoint,
                                FdRef netns) {
    TRY(run_in_namespace(netns, [&] { return configure_inside(pools, routing, endpoint); }),
        "configure {} of container {}", endpoint.interface, endpoint.container);
    return {};
}

Result<void> check_interface_name(const std::string& name) {
    if (name.empty() || name.size() > 15 || name == "." || name == ".." ||
        name.find_first_of("/ \t\n:%") != std::string::npos) {
        return fail(Kind::invalid, "\"{}\" is not an interface name: 1 to 15 bytes without space, / and :", name);
    }
    return {};
}

}  // namespace diatom::net
