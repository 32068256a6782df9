#include "engine/networks.h"

#include <algorithm>
#include <format>
#include <utility>

#include "engine/names.h"
#include "engine/network_plan.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

std::string interface_of(const EndpointState& endpoint) {
    return endpoint.interface.empty() ? "eth0" : endpoint.interface;  // of a record that an older version wrote
}

}  // namespace

Networks::Networks(std::unique_ptr<net::Network> network, std::string bridge)
    : network_(std::move(network)), bridge_name_(std::move(bridge)) {}

Result<void> Networks::open(Records& records) {
    records_ = TRY(records.networks());
    const auto missing = [&](std::string_view name) {
        return !std::ranges::contains(records_, name, &NetworkRecord::name);
    };
    std::vector<NetworkRecord> made;
    if (network_ && missing("bridge")) {
        if (auto bridge = plan_default_bridge(bridge_name_)) made.push_back(std::move(*bridge));
        else log::error("there is no default bridge", bridge.error());
    }
    if (missing("host")) made.push_back(plan_builtin("host", "host"));
    if (missing("none")) made.push_back(plan_builtin("none", "null"));
    for (auto& record : made) {
        TRY(records.put(record));
        records_.push_back(std::move(record));
    }
    if (!network_) return {};
    // Containers without such a network go on; a start on it is refused and names this log.
    for (const auto& record : records_) {
        if (record.driver == "host" || record.driver == "null") continue;
        if (auto opened = open_segment(record); !opened) {
            log::error("a network cannot be restored", {{"network", record.name}, {"error", opened.error().what()}});
        }
    }
    return {};
}

void Networks::settle() {
    if (!network_) return;
    if (auto removed = network_->remove_strays(std::exchange(claimed_, {})); !removed)
        log::error("veth pairs of containers that are gone stay", removed.error());
    if (auto restored = network_->restore(); !restored) {
        log::error("the network rules cannot be restored", restored.error());
        segments_.clear();  // as above
    }
}

Result<Fd> Networks::watch() { return network_ ? network_->watch() : Result<Fd>(Fd()); }

Result<bool> Networks::repair() { return network_ ? network_->repair() : Result<bool>(false); }

Result<void> Networks::open_segment(const NetworkRecord& record) {
    if (is_child_driver(record.driver)) {
        TRY(network_->ensure_parent(child_spec(record)), "network {}", record.name);
    } else {
        TRY(network_->ensure_bridge(bridge_spec(record)), "bridge {}", record.bridge);
    }
    Segment segment{.record = record, .pools = {}};
    for (const auto& pool : record.pools) segment.pools.emplace_back(pool);
    segments_.insert_or_assign(record.name, std::move(segment));
    return {};
}

net::Address Networks::host_gateway() const {
    const auto bridge = segments_.find("bridge");
    return bridge == segments_.end() || bridge->second.pools.empty() ? net::Address()
                                                                     : bridge->second.record.pools[0].gateway;
}

Result<const NetworkRecord*> Networks::find(const std::string& name) const {
    const auto named = std::ranges::find(records_, name, &NetworkRecord::name);
    if (named != records_.end()) return &*named;
    const auto by_id = std::ranges::find_if(
        records_, [&](const NetworkRecord& record) { return is_id_prefix(name) && record.id.starts_with(name); });
    if (by_id != records_.end()) return &*by_id;
    if (name == "bridge") {
        return fail(Kind::unsupported, "this engine has no bridge network: use --network host or none");
    }
    return fail(Kind::not_found, "network {} not found", name);
}

Result<NetworkRecord> Networks::plan(NetworkRecord wanted) {
    if (!network_) return fail(Kind::unsupported, "this engine has no networks of its own: use --network host or none");
    auto record = TRY(plan_network(std::move(wanted), records_));
    records_.push_back(record);
    return record;
}

Result<void> Networks::set_up(const std::string& id) {
    const auto record = std::ranges::find(records_, id, &NetworkRecord::id);
    if (record == records_.end()) return fail(Kind::bug, "network {} was not planned", id);
    return record->config_only ? Result<void>() : open_segment(*record);
}

Result<void> Networks::remove(const std::string& id) {
    const auto record = std::ranges::find(records_, id, &NetworkRecord::id);
    if (record == records_.end()) return {};
    if (record->config_only) {
        const auto user = std::ranges::find(records_, record->name, &NetworkRecord::config_from);
        if (user != records_.end())
            return fail(Kind::denied, "configuration network \"{}\" is in use by network {}", record->name, user->name);
        records_.erase(record);
        return {};
    }
    for (const auto& [container, lease] : leases_) {
        if (!std::ranges::contains(lease.places, record->name, &Place::network)) continue;
        return fail(Kind::denied, "error while removing network: network {} id {} has active endpoints ({})",
                    record->name, record->id, container.substr(0, 12));
    }
    if (is_child_driver(record->driver)) {
        const auto spec = child_spec(*record);
        const bool shared = std::ranges::any_of(records_, [&](const NetworkRecord& other) {
            return other.id != id && is_child_driver(other.driver) && other.bridge == record->bridge;
        });
        if (!shared) TRY(network_->remove_parent(spec), "network {}", record->name);
    } else {
        TRY(network_->remove_bridge(record->bridge), "network {}", record->name);
    }
    segments_.erase(record->name);
    records_.erase(record);
    return {};
}

Result<void> Networks::prepare(Container& container) {
    container.endpoints.clear();
    container.published.clear();
    const auto wanted = wanted_endpoints(container.config, has_bridge());
    if (wanted.empty()) return {};
    release(container.id);
    Lease lease;
    // What was taken is given back by release(), which finds it here.
    auto& kept = leases_[container.id] = std::move(lease);
    for (const auto& endpoint : wanted) TRY(add_place(container, endpoint, kept));
    if (kept.places.empty()) {
        leases_.erase(container.id);
        return {};
    }
    return reserve_ports(container, kept);
}

Result<void> Networks::connect(Container& container, FdRef netns) {
    const auto name = effective_network(container.config.network_mode, has_bridge());
    if (name == "host" || name.starts_with("container:")) return {};
    const auto lease = leases_.find(container.id);
    if (lease == leases_.end()) return network_ ? network_->loopback_up(netns) : Result<void>();
    TRY(keep_namespace(lease->second, std::format("/proc/self/fd/{}", netns.raw())));
    const auto gateways = gateways_of(container);
    for (auto& place : lease->second.places) TRY(attach(container, place, gateways, netns));
    return publish(container, lease->second);
}

void Networks::release(const std::string& container) {
    auto lease = leases_.extract(container);
    if (!lease || !network_) return;
    const auto report = [&](const Result<void>& done) {
        if (!done && done.error().kind() != Kind::not_found) {
            log::warning("a network endpoint is left behind", {{"id", container}, {"error", done.error().what()}});
        }
    };
    if (lease.mapped().published) report(network_->unpublish(container));
    for (const auto& place : lease.mapped().places) {
        if (place.attached && !is_child(place)) report(network_->detach(container, place.interface));
        if (place.attached && is_child(place) && lease.mapped().netns)
            report(network_->detach_child(place.interface, lease.mapped().netns));
        give_back(place);
    }
}

Result<void> Networks::join(Container& container, const EndpointConfig& wanted, FdRef netns) {
    Lease& lease = leases_[container.id];
    const auto endpoints = container.endpoints;
    const auto before = routes_of(gateways_of(container));
    const auto undo = [&] {
        if (lease.places.size() <= endpoints.size()) return;
        std::ignore = detach(container.id, lease.places.back(), netns);
        give_back(lease.places.back());
        lease.places.pop_back();
        container.endpoints = endpoints;
    };
    auto joined = add_place(container, wanted, lease);
    if (joined) joined = keep_namespace(lease, std::format("/proc/self/fd/{}", netns.raw()));
    // Its default route is set when all the rest is there.
    if (joined) joined = attach(container, lease.places.back(), {}, netns);
    if (joined) joined = follow(container, lease, before, netns);
    if (joined) return {};
    undo();
    if (auto restored = follow(container, lease, {}, netns); !restored)
        log::warning("a container's ports are not restored",
                     {{"id", container.id}, {"error", restored.error().what()}});
    return joined;
}

Result<void> Networks::leave(Container& container, const std::string& network, FdRef netns) {
    const auto lease = leases_.find(container.id);
    if (lease == leases_.end()) return {};
    auto& places = lease->second.places;
    const auto place = std::ranges::find(places, network, &Place::network);
    if (place == places.end()) return {};
    const auto before = routes_of(gateways_of(container));
    TRY(detach(container.id, *place, netns), "disconnect from network {}", network);
    give_back(*place);
    places.erase(place);
    std::erase_if(container.endpoints, [&](const auto& endpoint) { return endpoint.network == network; });
    return follow(container, lease->second, before, netns);
}

Result<Findings> Networks::check(const std::vector<Container>& running, const std::set<std::string>& busy) {
    if (!network_) return Findings();
    std::vector<net::EndpointName> endpoints;
    std::set<std::string> runs;
    for (const auto& container : running) {
        runs.insert(container.id);
        for (const auto& endpoint : container.endpoints) {
            const auto segment = segments_.find(endpoint.network);
            if (segment == segments_.end() || is_child_driver(segment->second.record.driver)) continue;
            endpoints.push_back({container.id, interface_of(endpoint), busy.contains(container.id)});
        }
    }
    Findings findings;
    for (const auto& [id, lease] : leases_) {
        if (busy.contains(id)) {  // in the midst of a start: attached, but not in its record yet
            for (const auto& place : lease.places) endpoints.push_back({id, place.interface, true});
        } else if (!runs.contains(id)) {
            findings.push_back({.what = "addresses are kept for a container that does not run",
                                .where = id,
                                .advice = "restart the engine, which gives them back"});
        }
    }
    for (auto& finding : TRY(network_->check(endpoints))) findings.push_back(std::move(finding));
    return findings;
}

Result<void> Networks::adopt(const Container& container) {
    if (!network_) return {};
    for (const auto& endpoint : container.endpoints) claimed_.push_back({container.id, interface_of(endpoint)});
    Lease lease;
    for (const auto& endpoint : container.endpoints) {
        const auto segment = segments_.find(endpoint.network);
        if (segment == segments_.end()) continue;
        Place place{
            .network = endpoint.network, .interface = interface_of(endpoint), .addresses = {}, .attached = true};
        for (const auto& address : {endpoint.ip4, endpoint.ip6}) {
            if (address.empty()) continue;
            place.addresses.push_back(address);
            for (auto& pool : segment->second.pools) {
                if (pool.pool().subnet.contains(address)) TRY(pool.take(address));
            }
        }
        lease.places.push_back(std::move(place));
    }
    if (lease.places.empty()) return {};
    TRY(keep_namespace(lease, std::format("/proc/{}/ns/net", container.state.process.pid)));
    auto& kept = leases_[container.id] = std::move(lease);
    if (auto mended = mend(container, kept); !mended)
        log::error("a container lacks an interface", {{"id", container.id}, {"error", mended.error().what()}});
    if (container.published.empty()) return {};
    for (const auto& mapping : container.published) {
        if (mapping.host_port == 0) {  // of a routed network
            kept.ports.push_back({.mapping = mapping});
            continue;
        }
        auto port = network_->reserve(mapping);
        if (port) {
            kept.ports.push_back(std::move(*port));
        } else {  // the rules go on working; only the reservation is missing
            log::warning("a published port is not reserved", {{"id", container.id}, {"error", port.error().what()}});
            kept.ports.push_back({.mapping = mapping});
        }
    }
    return publish(container, kept);
}

}  // namespace diatom::engine
