// The names of containers for one another: feeds the DNS server with what runs where. Thread side: the loop's thread;
// take_sockets() and open_sockets() on a worker.
//
// A container on a network of its own has a resolver at 127.0.0.11 (net/resolver.h). It answers names of containers of
// the networks that the two share, and asks the machine's servers, or those of --dns, for the rest. Its sockets are
// parked in PID 1: what is asked while no engine runs is answered by the next one.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dns/server.h"
#include "engine/model.h"
#include "net/resolver.h"
#include "proc/supervisor.h"

namespace diatom::engine {

// Whether a container asks us for names.
bool needs_resolver(const Container& container);

// In the namespace of a running container: those that an engine before this one parked, or new ones, which are parked.
Result<net::ResolverSockets> open_sockets(const proc::Supervisor& supervisor, const std::string& prefix, FdRef netns);
Result<net::ResolverSockets> take_sockets(const proc::Supervisor& supervisor, const std::string& prefix, FdRef netns);

class NameService {
public:
    explicit NameService(boost::asio::any_io_executor loop);

    void add_network(const NetworkRecord& network);
    void remove_network(const std::string& name);

    // The container's names and what it sees, as its record says now; `forget`: it is gone.
    void update(const Container& container);
    void forget(const Container& container);
    // Answers by these sockets until stop(). `netns`: for servers given by --dns, which are asked from there.
    void serve(const Container& container, net::ResolverSockets sockets, Fd netns);
    void stop(const std::string& container);
    bool serves(const std::string& container) const { return clients_.contains(container); }

private:
    struct HostServers;
    struct Served {
        std::shared_ptr<dns::Client> client;
        std::shared_ptr<void> handle;
    };
    std::shared_ptr<dns::Zone> zone(const std::string& network);
    dns::View view_of(const Container& container);

    std::shared_ptr<HostServers> host_;
    std::map<std::string, std::shared_ptr<dns::Zone>> zones_;  // by network name
    std::map<std::string, Served> clients_;                    // by container
    dns::Server server_;
};

}  // namespace diatom::engine
