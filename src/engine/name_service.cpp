#include "engine/name_service.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/strings.h"
#include "engine/endpoints.h"
#include "engine/etc_files.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kHostServersAge{5};

dns::Address to_dns(const net::Address& address) {
    dns::Address converted;
    converted.family =
        address.family() == net::Address::Family::v4 ? dns::Address::Family::v4 : dns::Address::Family::v6;
    std::memcpy(converted.bytes.data(), address.bytes(), address.size());
    return converted;
}

Result<Fd> host_socket(int family, int type) {
    Fd socket(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno(errno, "open a socket");
    return socket;
}

void park_one(const proc::Supervisor& supervisor, const std::string& name, FdRef fd) {
    auto parked = supervisor.park(name, fd);
    if (!parked && parked.error().kind() != Kind::unavailable)
        log::warning("a resolver's socket is not parked", {{"name", name}, {"error", parked.error().what()}});
}

bool runs(const Container& container) {
    return container.state.status == Status::running || container.state.status == Status::paused;
}

}  // namespace

// The machine's servers: its file changes with its network.
struct NameService::HostServers {
    std::vector<dns::Upstream> get() {
        if (read == Clock::time_point() || Clock::now() - read > kHostServersAge) {
            servers.clear();
            for (const auto& text : name_servers(sys::read_file("/etc/resolv.conf").value_or(""))) {
                const auto address = net::Address::parse(text);
                if (address) servers.push_back({.address = to_dns(*address), .socket = host_socket});
            }
            read = Clock::now();
        }
        return servers;
    }
    Clock::time_point read;
    std::vector<dns::Upstream> servers;
};

bool needs_resolver(const Container& container) {
    return std::ranges::any_of(container.endpoints, [](const auto& e) { return is_user_defined(e.network); });
}

Result<net::ResolverSockets> open_sockets(const proc::Supervisor& supervisor, const std::string& prefix, FdRef netns) {
    auto sockets = TRY(net::open_resolver(netns));
    park_one(supervisor, prefix + "dns-udp", sockets.udp);
    park_one(supervisor, prefix + "dns-tcp", sockets.tcp);
    return sockets;
}

Result<net::ResolverSockets> take_sockets(const proc::Supervisor& supervisor, const std::string& prefix, FdRef netns) {
    net::ResolverSockets sockets;
    if (auto parked = supervisor.parked(prefix + "dns-")) {
        for (auto& stored : *parked) {
            if (stored.name == prefix + "dns-udp") sockets.udp = std::move(stored.fd);
            else if (stored.name == prefix + "dns-tcp") sockets.tcp = std::move(stored.fd);
        }
    }
    if (sockets.udp && sockets.tcp) return sockets;
    return open_sockets(supervisor, prefix, netns);
}

NameService::NameService(boost::asio::any_io_executor loop)
    : host_(std::make_shared<HostServers>()), server_(std::move(loop)) {}

std::shared_ptr<dns::Zone> NameService::zone(const std::string& network) {
    auto& zone = zones_[network];
    if (!zone) zone = std::make_shared<dns::Zone>();
    return zone;
}

void NameService::add_network(const NetworkRecord& network) {
    if (!is_user_defined(network.name)) return;
    std::vector<dns::Range> ranges;
    for (const auto& pool : network.pools)
        ranges.push_back({.base = to_dns(pool.subnet.base), .prefix = pool.subnet.prefix});
    zone(network.name)->set_ranges(std::move(ranges));
}

void NameService::remove_network(const std::string& name) { zones_.erase(name); }

dns::View NameService::view_of(const Container& container) {
    dns::View view;
    bool gateway = false;
    for (const auto& endpoint : container.endpoints) {
        gateway = gateway || !endpoint.gateway4.empty() || !endpoint.gateway6.empty();
        if (is_user_defined(endpoint.network))
            view.networks.push_back({.network = endpoint.network, .zone = zone(endpoint.network)});
    }
    for (const auto& endpoint : container.config.networks) {
        for (const auto& link : endpoint.links) {
            const auto halves = cut(link, ':').value_or(Halves{link, link});
            view.links[to_lower(halves.second)] = to_lower(halves.first);
        }
    }
    // Servers given by --dns are asked from within: they can be no way out that the container does not have.
    view.leaves = gateway || !container.config.dns.empty();
    return view;
}

void NameService::update(const Container& container) {
    for (const auto& [name, zone] : zones_) zone->remove(container.id);
    for (const auto& endpoint : container.config.networks) {
        if (is_user_defined(endpoint.network))
            zone(endpoint.network)->put(container.id, dns_names(container, endpoint), {});
    }
    if (runs(container)) {
        for (const auto& endpoint : container.endpoints) {
            if (!is_user_defined(endpoint.network)) continue;
            std::vector<dns::Address> addresses;
            for (const auto& address : {endpoint.ip4, endpoint.ip6}) {
                if (!address.empty()) addresses.push_back(to_dns(address));
            }
            zone(endpoint.network)->put(container.id, endpoint.names, std::move(addresses));
        }
    }
    const auto served = clients_.find(container.id);
    if (served != clients_.end()) served->second.client->view = view_of(container);
}

void NameService::forget(const Container& container) {
    stop(container.id);
    for (const auto& [name, zone] : zones_) zone->remove(container.id);
}

void NameService::serve(const Container& container, net::ResolverSockets sockets, Fd netns) {
    auto client = std::make_shared<dns::Client>();
    client->view = view_of(container);
    if (container.config.dns.empty()) {
        client->upstreams = [host = host_] { return host->get(); };
    } else {
        auto kept = std::make_shared<Fd>(std::move(netns));
        std::vector<dns::Upstream> own;
        for (const auto& text : container.config.dns) {
            const auto address = net::Address::parse(text);
            if (!address) continue;
            own.push_back({.address = to_dns(*address),
                           .socket = [kept](int family, int type) { return net::open_socket_in(*kept, family, type); },
                           .from = container.id});
        }
        client->upstreams = [own] { return own; };
    }
    auto handle = server_.serve(std::move(sockets.udp), std::move(sockets.tcp), client);
    clients_.insert_or_assign(container.id, Served{.client = std::move(client), .handle = std::move(handle)});
}

void NameService::stop(const std::string& container) { clients_.erase(container); }

}  // namespace diatom::engine
