// Networks as clients change them: create, remove, connect, disconnect.
#include <fcntl.h>

#include <algorithm>
#include <format>

#include "engine/engine_impl.h"
#include "engine/etc_files.h"
#include "engine/names.h"
#include "engine/stdio_ends.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr std::chrono::milliseconds kRulePause{50}, kRuleRetry{5000};

Result<Fd> open_netns(const Container& container) {
    return sys::open_path(std::format("/proc/{}/ns/net", container.state.process.pid), O_RDONLY);
}

bool is_running(const Container& container) {
    return container.state.status == Status::running || container.state.status == Status::paused;
}

Result<void> check_mode(const Container& container, const std::string& network) {
    const auto& mode = container.config.network_mode;
    if (mode.starts_with("container:") || mode == "host") {
        return fail(Kind::denied,
                    "container sharing network namespace with another container or host cannot be connected to any "
                    "other network");
    }
    if (mode == "none") {
        return fail(Kind::denied,
                    "container cannot be connected to multiple networks with one of the networks in private (none) "
                    "mode");
    }
    if (network == "host" || network == "none")
        return fail(Kind::denied, "container cannot be connected to {} network", network);
    return {};
}

// What these operations change of a record; the rest may have changed meanwhile. Returns the record before.
Container take_networks(Container& record, const Container& from) {
    Container before = record;
    record.config.networks = from.config.networks;
    record.endpoints = from.endpoints;
    record.published = from.published;
    return before;
}

}  // namespace

Result<NetworkRecord> EngineImpl::network(const std::string& name) {
    // A whole id first: another network may have it as its name.
    const auto known = std::ranges::find(network_records_, name, &NetworkRecord::id);
    if (known != network_records_.end()) return *known;
    const auto named = std::ranges::find(network_records_, name, &NetworkRecord::name);
    if (named != network_records_.end()) return *named;
    const NetworkRecord* found = nullptr;
    for (const auto& record : network_records_) {
        if (!is_id_prefix(name) || !record.id.starts_with(name)) continue;
        if (found != nullptr) return fail(Kind::invalid, "network {} is ambiguous: give more digits of its id", name);
        found = &record;
    }
    if (found != nullptr) return *found;
    return fail(Kind::not_found, "network {} not found", name);
}

void EngineImpl::network_event(const NetworkRecord& network, std::string action, const std::string& container) {
    std::map<std::string, std::string> attributes = {{"name", network.name}, {"type", network.driver}};
    if (!container.empty()) attributes["container"] = container;
    events_.publish(
        {.type = "network", .action = std::move(action), .id = network.id, .attributes = std::move(attributes)});
}

void EngineImpl::endpoint_events(const Container& container, const char* action) {
    for (const auto& endpoint : container.endpoints) {
        if (const auto record = network(endpoint.network)) network_event(*record, action, container.id);
    }
}

void EngineImpl::watch_rules() {
    auto changes = networks_.watch();
    if (!changes) {
        log::error("firewall rules are not watched: what another program deletes comes back with the next change",
                   changes.error());
    } else if (*changes) {
        spawn(keep_rules(std::make_shared<asio::posix::stream_descriptor>(loop_, changes->release())));
    }
}

// `nft -f` of a host's own firewall flushes everything first: the rules come back at once, not with the next container.
asio::awaitable<void> EngineImpl::keep_rules(std::shared_ptr<asio::posix::stream_descriptor> changes) {
    using Wait = asio::posix::stream_descriptor::wait_type;
    asio::steady_timer pause(loop_);
    for (bool failed = false;;) {
        if (!failed) {
            const auto [error] = co_await changes->async_wait(Wait::wait_read, asio::as_tuple(asio::use_awaitable));
            if (error) co_return;
        }
        // Who changes rules often does so in several steps.
        pause.expires_after(failed ? kRuleRetry : kRulePause);
        const auto [ended] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
        if (ended) co_return;
        auto repaired = co_await on_network([&] { return networks_.repair(); });
        if (!repaired && !failed) log::error("firewall rules are not restored", repaired.error());
        if (repaired && *repaired) log::warning("another program changed the firewall rules of containers: restored");
        failed = !repaired;
    }
}

Task<NetworkRecord> EngineImpl::create_network(NetworkRecord wanted) {
    co_return co_await shielded(create_network_body(std::move(wanted)));
}

// The record before the bridge: what a crash leaves is a network that the next engine sets up, never a bridge that
// nobody knows.
Task<NetworkRecord> EngineImpl::create_network_body(NetworkRecord wanted) {
    auto planned = co_await on_network([&] { return networks_.plan(std::move(wanted)); });
    const auto record = CO_TRY(std::move(planned));
    auto done = co_await on_records([&] { return records_.put(record); });
    if (done) done = co_await on_network([&] { return networks_.set_up(record.id); });
    if (!done) {
        (void)co_await on_network([&] { return networks_.remove(record.id); });
        (void)co_await on_records([&] { return records_.erase_network(record.id); });
        co_return Failure(std::move(done).error());
    }
    network_records_.push_back(record);
    if (!record.config_only) name_service_.add_network(record);
    network_event(record, "create");
    co_return record;
}

Task<void> EngineImpl::remove_network(std::string name) {
    auto record = CO_TRY(network(name));
    if (is_builtin(record))
        co_return fail(Kind::denied, "operation is not permitted on predefined {} network", record.name);
    co_return co_await shielded(remove_network_body(std::move(record)));
}

Task<void> EngineImpl::remove_network_body(NetworkRecord record) {
    auto removed = co_await on_network([&] { return networks_.remove(record.id); });
    CO_TRY(std::move(removed));
    std::erase_if(network_records_, [&](const auto& other) { return other.id == record.id; });
    name_service_.remove_network(record.name);
    auto forgotten = co_await on_records([&] { return records_.erase_network(record.id); });
    CO_TRY(std::move(forgotten));
    network_event(record, "destroy");
    co_return Result<void>();
}

Task<void> EngineImpl::connect_network(std::string name, std::string container, EndpointConfig config) {
    auto record = CO_TRY(network(name));
    auto live = CO_TRY(find(container));
    config.network = record.name;
    CO_TRY(check_mode(live->record, record.name));
    CO_TRY(check_endpoint(config));
    co_return co_await shielded(connect_body(std::move(record), live, std::move(config)));
}

Task<void> EngineImpl::connect_body(NetworkRecord record, LivePtr live, EndpointConfig config) {
    const auto guard = co_await live->lock.lock();
    if (live->removed) co_return fail(Kind::not_found, "No such container: {}", live->record.id);
    Container next = live->record;
    next.config.networks = wanted_endpoints(next.config, !options_.table.empty());
    const bool on_it = !is_running(next) || std::ranges::contains(next.endpoints, record.name, &EndpointState::network);
    // Disconnected from its last network it is on none, though its network mode still names one.
    if (!on_it) std::erase_if(next.config.networks, [&](const auto& e) { return e.network == record.name; });
    if (std::ranges::contains(next.config.networks, record.name, &EndpointConfig::network)) {
        co_return fail(Kind::denied, "endpoint with name {} already exists in network {}", next.name, record.name);
    }
    next.config.networks.push_back(config);
    if (is_running(next)) {
        auto joined = co_await join_running(live, next, config);
        CO_TRY(std::move(joined));
    }
    const auto before = take_networks(live->record, next);
    auto saved = co_await save(live);
    if (!saved) {
        Container undone = live->record;
        if (is_running(undone)) (void)co_await leave_running(live, undone, record.name, true);
        (void)take_networks(live->record, before);
        co_return saved;
    }
    name_service_.update(live->record);
    if (is_running(live->record)) network_event(record, "connect", live->record.id);
    co_return Result<void>();
}

Task<void> EngineImpl::join_running(LivePtr live, Container& next, const EndpointConfig& config) {
    auto joined = co_await on_network([&]() -> Result<void> {
        const Fd netns = TRY(open_netns(next));
        return networks_.join(next, config, netns);
    });
    CO_TRY(std::move(joined));
    if (needs_resolver(next) && !name_service_.serves(next.id)) {
        auto opened = co_await open_resolver(next);
        CO_TRY(std::move(opened));
    }
    const Container& before = live->record;
    auto written = co_await on_pool([&] { return update_etc_files(before, next); });
    if (!written)
        log::warning("a container's hosts file is not updated", {{"id", next.id}, {"error", written.error().what()}});
    co_return Result<void>();
}

Task<void> EngineImpl::open_resolver(const Container& container) {
    net::ResolverSockets sockets;
    Fd netns;
    auto opened = co_await on_network([&]() -> Result<void> {
        netns = TRY(open_netns(container));
        sockets = TRY(open_sockets(parts_.supervisor, parked_prefix(options_, container.id), netns));
        return {};
    });
    CO_TRY(std::move(opened));
    name_service_.serve(container, std::move(sockets), std::move(netns));
    co_return Result<void>();
}

Task<void> EngineImpl::disconnect_network(std::string name, std::string container, bool force) {
    auto record = CO_TRY(network(name));
    auto live = CO_TRY(find(container));
    if (record.name == "host")
        co_return fail(Kind::denied, "container cannot be disconnected from host network or connected to host network");
    co_return co_await shielded(disconnect_body(std::move(record), live, force));
}

Task<void> EngineImpl::disconnect_body(NetworkRecord record, LivePtr live, bool force) {
    const auto guard = co_await live->lock.lock();
    Container next = live->record;
    next.config.networks = wanted_endpoints(next.config, !options_.table.empty());
    const auto erased =
        std::erase_if(next.config.networks, [&](const auto& endpoint) { return endpoint.network == record.name; });
    const bool on_it = std::ranges::contains(next.endpoints, record.name, &EndpointState::network);
    if (erased == 0 && !on_it) {
        co_return fail(Kind::denied, "container {} is not connected to network {}", live->record.id, record.name);
    }
    if (is_running(next) && on_it) {
        auto left = co_await leave_running(live, next, record.name, force);
        CO_TRY(std::move(left));
    }
    (void)take_networks(live->record, next);
    name_service_.update(live->record);
    auto saved = co_await save(live);
    CO_TRY(std::move(saved));
    if (on_it) network_event(record, "disconnect", live->record.id);
    co_return Result<void>();
}

// With `force` whatever can be undone is.
Task<void> EngineImpl::leave_running(LivePtr live, Container& next, const std::string& network, bool force) {
    auto left = co_await on_network([&]() -> Result<void> {
        const Fd netns = TRY(open_netns(next));
        return networks_.leave(next, network, netns);
    });
    if (!left && !force) co_return left;
    const Container& before = live->record;
    auto written = co_await on_pool([&] { return update_etc_files(before, next); });
    if (!written)
        log::warning("a container's hosts file is not updated", {{"id", next.id}, {"error", written.error().what()}});
    co_return Result<void>();
}

}  // namespace diatom::engine
