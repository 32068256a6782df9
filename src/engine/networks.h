// The engine's networks: bridges, macvlan and ipvlan with their addresses, published ports, host and none. Thread side:
// one strand of the worker pool; every member may block for some milliseconds.
//
// Ports are published on the networks by which a container's default routes leave, if these are bridges: when the
// networks of a running container change, routes and ports follow.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/endpoints.h"
#include "engine/model.h"
#include "engine/records.h"
#include "net/network.h"

namespace diatom::engine {

class Networks {
public:
    // `network` may be null (the system engine): then only host, none and container:ID are possible.
    Networks(std::unique_ptr<net::Network> network, std::string bridge);

    // Once each, in this order: open() loads the records, makes the default ones that are missing and sets up the
    // bridges; adopt() takes a running container's addresses and ports again; settle() drops the rules that no
    // container claimed. What outlived the engine before this one keeps its rules all the while.
    Result<void> open(Records& records);
    Result<void> adopt(const Container& container);
    void settle();
    const std::vector<NetworkRecord>& records() const noexcept { return records_; }
    net::Address host_gateway() const;  // of the default bridge
    bool has_bridge() const noexcept { return network_ != nullptr; }

    // A new network in two steps, the record written between them: plan() keeps name, subnets and interface for it,
    // set_up() makes what it needs on this host. remove() undoes both. conflict while containers are on it.
    Result<NetworkRecord> plan(NetworkRecord wanted);
    Result<void> set_up(const std::string& id);
    Result<void> remove(const std::string& id);

    // Takes addresses and reserves the ports: fills endpoints and published. Undone by release().
    Result<void> prepare(Container& container);
    // Connects the prepared container's namespace and installs its ports.
    Result<void> connect(Container& container, FdRef netns);
    // Gives everything back; safe at any point and more than once.
    void release(const std::string& container);

    // Another network for a running container, one less: changes its endpoints and published ports. A join that fails
    // leaves it as it was.
    Result<void> join(Container& container, const EndpointConfig& wanted, FdRef netns);
    Result<void> leave(Container& container, const std::string& network, FdRef netns);

private:
    // A network that containers can be on.
    struct Segment {
        NetworkRecord record;
        std::vector<net::AddressPool> pools;
    };
    // A container on a network.
    struct Place {
        std::string network, interface;
        std::vector<net::Address> addresses;
        bool attached = false;
    };
    struct Lease {
        std::vector<Place> places;
        std::vector<net::PublishedPort> ports;
        bool published = false;
        // Kept while one of the places is macvlan or ipvlan: their interfaces go at once and not when the kernel gets
        // round to the namespace, for until then address and card are busy.
        Fd netns;
    };
    // The endpoints by which default routes leave; null: none.
    struct Gateways {
        const EndpointState *four = nullptr, *six = nullptr;
    };

    Result<void> open_segment(const NetworkRecord& record);
    Result<const NetworkRecord*> find(const std::string& name) const;

    // places.cpp
    Result<void> add_place(Container& container, const EndpointConfig& wanted, Lease& lease);
    Result<void> take_addresses(Segment& segment, const EndpointConfig& wanted, Place& place, EndpointState& endpoint);
    Result<void> attach(Container& container, Place& place, const Gateways& gateways, FdRef netns);
    Result<void> detach(const std::string& container, const Place& place, FdRef netns);
    void give_back(const Place& place);
    bool is_child(const Place& place) const;
    Result<void> keep_namespace(Lease& lease, const std::string& path) const;
    Gateways gateways_of(const Container& container) const;
    using Routes = std::vector<net::DefaultRoute>;
    Routes routes_of(const Gateways& gateways) const;
    std::vector<net::Address> targets_of(const Gateways& gateways) const;
    Result<void> reserve_ports(Container& container, Lease& lease);
    Result<void> publish(const Container& container, Lease& lease);
    // Routes and ports after a change; `before`: the routes that the container has.
    Result<void> follow(Container& container, Lease& lease, const Routes& before, FdRef netns);

    std::unique_ptr<net::Network> network_;
    std::string bridge_name_;
    std::vector<NetworkRecord> records_;
    std::map<std::string, Segment> segments_;  // by network name
    std::map<std::string, Lease> leases_;      // by container
};

}  // namespace diatom::engine
