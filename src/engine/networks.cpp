#include "engine/networks.h"

#include <fcntl.h>

#include <algorithm>

#include "engine/names.h"
#include "engine/port_range.h"
#include "net/port.h"
#include "sys/clock.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

NetworkRecord plain(const std::string& name, const std::string& driver) {
    return {.id = random_id(), .name = name, .driver = driver, .created = sys::wall_ns()};
}

std::vector<net::PortMapping> wanted_ports(const ContainerConfig& config) {
    auto wanted = config.ports;
    if (!config.publish_all) return wanted;
    for (const auto& exposed : config.exposed_ports) {
        const auto port = net::parse_port(exposed);
        if (!port) continue;
        const auto same = [&](const auto& m) {
            return m.protocol == port->protocol && m.container_port == port->number;
        };
        if (!std::ranges::any_of(wanted, same))
            wanted.push_back({.protocol = port->protocol, .container_port = port->number});
    }
    return wanted;
}

}  // namespace

std::string effective_network(const std::string& mode, bool has_bridge) {
    if (mode.empty() || mode == "default") return has_bridge ? "bridge" : "host";
    return mode;
}

Networks::Networks(std::unique_ptr<net::Network> network, std::string bridge)
    : network_(std::move(network)), bridge_name_(std::move(bridge)) {}

Result<NetworkRecord> Networks::default_bridge() const {
    NetworkRecord record = plain("bridge", "bridge");
    record.bridge = bridge_name_;
    const auto subnet = TRY(net::choose_subnet({}), "choose the default bridge's subnet");
    record.pools.push_back({.subnet = subnet, .gateway = subnet.base.plus(1)});
    record.options = {{"com.docker.network.bridge.default_bridge", "true"},
                      {"com.docker.network.bridge.enable_icc", "true"},
                      {"com.docker.network.bridge.enable_ip_masquerade", "true"},
                      {"com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"},
                      {"com.docker.network.bridge.name", bridge_name_},
                      {"com.docker.network.driver.mtu", "1500"}};
    return record;
}

Result<void> Networks::open(Records& records) {
    records_ = TRY(records.networks());
    const auto missing = [&](std::string_view name) {
        return !std::ranges::contains(records_, name, &NetworkRecord::name);
    };
    std::vector<NetworkRecord> made;
    if (network_ && missing("bridge")) {
        if (auto bridge = default_bridge()) made.push_back(std::move(*bridge));
        else log::error("there is no default bridge", bridge.error());
    }
    if (missing("host")) made.push_back(plain("host", "host"));
    if (missing("none")) made.push_back(plain("none", "null"));
    for (auto& record : made) {
        TRY(records.put(record));
        records_.push_back(std::move(record));
    }
    if (!network_) return {};
    // Containers without a bridge network go on; a start on the bridge is refused and names this log.
    for (const auto& record : records_) {
        if (record.driver != "bridge") continue;
        if (auto opened = open_bridge(record); !opened) {
            log::error("a network cannot be restored", {{"network", record.name}, {"error", opened.error().what()}});
        }
    }
    return {};
}

void Networks::settle() {
    if (!network_) return;
    if (auto restored = network_->restore(); !restored) {
        log::error("the network rules cannot be restored", restored.error());
        bridges_.clear();  // as above
    }
}

Result<void> Networks::open_bridge(const NetworkRecord& record) {
    Bridge bridge{.record = record,
                  .spec = {.name = record.bridge, .pools = record.pools, .internal = record.internal},
                  .pools = {}};
    for (const auto& pool : record.pools) bridge.pools.emplace_back(pool);
    TRY(network_->ensure_bridge(bridge.spec), "bridge {}", record.bridge);
    bridges_.emplace(record.name, std::move(bridge));
    return {};
}

net::Address Networks::host_gateway() const {
    const auto bridge = bridges_.find("bridge");
    return bridge == bridges_.end() || bridge->second.spec.pools.empty() ? net::Address()
                                                                         : bridge->second.spec.pools[0].gateway;
}

Result<void> Networks::take_addresses(Bridge& bridge, Lease& lease, EndpointState& endpoint) {
    for (std::size_t i = 0; i < bridge.pools.size(); ++i) {
        const auto& pool = bridge.spec.pools[i];
        const auto address = TRY(bridge.pools[i].take(), "network {}", bridge.record.name);
        lease.addresses.push_back(address);
        if (address.family() == net::Address::Family::v4) {
            endpoint.ip4 = address;
            endpoint.gateway4 = pool.gateway;
            endpoint.prefix4 = pool.subnet.prefix;
        } else {
            endpoint.ip6 = address;
            endpoint.gateway6 = pool.gateway;
            endpoint.prefix6 = pool.subnet.prefix;
        }
    }
    return {};
}

Result<void> Networks::reserve_ports(const Container& container, Lease& lease) {
    for (const auto& wanted : wanted_ports(container.config)) {
        lease.ports.push_back(TRY(reserve_port(*network_, wanted),
                                  "driver failed programming external connectivity on endpoint {}", container.name));
    }
    return {};
}

Result<void> Networks::prepare(Container& container) {
    container.endpoints.clear();
    container.published.clear();
    const std::string name = effective_network(container.config.network_mode, network_ != nullptr);
    const auto record = std::ranges::find(records_, name, &NetworkRecord::name);
    if (name.starts_with("container:")) return {};
    if (record == records_.end()) {
        if (name == "bridge")
            return fail(Kind::unsupported, "this engine has no bridge network: use --network host or none");
        return fail(Kind::not_found, "network {} not found", name);
    }
    EndpointState endpoint{.network = name, .network_id = record->id, .endpoint_id = random_id()};
    if (record->driver == "bridge") {
        const auto bridge = bridges_.find(name);
        if (bridge == bridges_.end()) {
            return fail(Kind::unavailable, "network {} could not be set up when the engine started: see its log", name);
        }
        release(container.id);
        Lease& lease = leases_[container.id];
        lease.network = name;
        TRY(take_addresses(bridge->second, lease, endpoint));
        TRY(reserve_ports(container, lease));
        for (const auto& port : lease.ports) container.published.push_back(port.mapping);
    }
    container.endpoints.push_back(std::move(endpoint));
    return {};
}

Result<void> Networks::connect(Container& container, FdRef netns) {
    const auto name = effective_network(container.config.network_mode, network_ != nullptr);
    if (name == "host" || name.starts_with("container:")) return {};
    const auto lease = leases_.find(container.id);
    if (lease == leases_.end()) return network_ ? network_->loopback_up(netns) : Result<void>();
    auto& bridge = bridges_.at(lease->second.network);
    net::EndpointSpec spec{.container = container.id, .addresses = lease->second.addresses};
    lease->second.attached = true;  // from here on there may be something to detach
    container.endpoints.front().mac =
        TRY(network_->attach(bridge.spec, spec, netns), "connect to network {}", bridge.record.name);
    if (!container.published.empty()) {
        TRY(network_->publish(container.id, container.published, lease->second.addresses), "publish ports");
    }
    return {};
}

void Networks::release(const std::string& container) {
    auto lease = leases_.extract(container);
    if (!lease || !network_) return;
    const auto report = [&](const Result<void>& done) {
        if (!done && done.error().kind() != Kind::not_found) {
            log::warning("a network endpoint is left behind", {{"id", container}, {"error", done.error().what()}});
        }
    };
    if (!lease.mapped().ports.empty()) report(network_->unpublish(container));
    if (lease.mapped().attached) report(network_->detach(container, "eth0"));
    const auto bridge = bridges_.find(lease.mapped().network);
    if (bridge == bridges_.end()) return;
    for (const auto& address : lease.mapped().addresses) {
        for (auto& pool : bridge->second.pools) pool.release(address);
    }
}

Result<void> Networks::adopt(const Container& container) {
    if (container.endpoints.empty() || !network_) return {};
    const auto& endpoint = container.endpoints.front();
    const auto bridge = bridges_.find(endpoint.network);
    if (bridge == bridges_.end()) return {};
    Lease& lease = leases_[container.id];
    lease.network = endpoint.network;
    lease.attached = true;
    for (const auto& address : {endpoint.ip4, endpoint.ip6}) {
        if (address.empty()) continue;
        lease.addresses.push_back(address);
        for (std::size_t i = 0; i < bridge->second.pools.size(); ++i) {
            if (bridge->second.spec.pools[i].subnet.contains(address)) TRY(bridge->second.pools[i].take(address));
        }
    }
    if (container.published.empty()) return {};
    for (const auto& mapping : container.published) {
        auto port = network_->reserve(mapping);
        if (port) {
            lease.ports.push_back(std::move(*port));
        } else {  // the rules go on working; only the reservation is missing
            log::warning("a published port is not reserved", {{"id", container.id}, {"error", port.error().what()}});
            lease.ports.push_back({.mapping = mapping});
        }
    }
    return network_->publish(container.id, container.published, lease.addresses);
}

}  // namespace diatom::engine
