// The engine's networks: the default bridge with its addresses, published ports, host and none. Thread side: one strand
// of the worker pool; every member may block for some milliseconds.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/model.h"
#include "engine/records.h"
#include "net/network.h"

namespace diatom::engine {

class Networks {
public:
    // `network` may be null (the system engine): then only host, none and container:ID are possible.
    Networks(std::unique_ptr<net::Network> network, std::string bridge);

    // Once each, in this order: open() loads the records, makes the default ones that are missing and sets up the
    // bridges; adopt() takes a running container's address and ports again; settle() drops the rules that no container
    // claimed. What outlived the engine before this one keeps its rules all the while.
    Result<void> open(Records& records);
    Result<void> adopt(const Container& container);
    void settle();
    const std::vector<NetworkRecord>& records() const noexcept { return records_; }
    net::Address host_gateway() const;  // of the default bridge

    // Takes an address and reserves the ports: fills endpoints and published. Undone by release().
    Result<void> prepare(Container& container);
    // Connects the prepared container's namespace and installs its ports.
    Result<void> connect(Container& container, FdRef netns);
    // Gives everything back; safe at any point and more than once.
    void release(const std::string& container);

private:
    struct Bridge {
        NetworkRecord record;
        net::BridgeSpec spec;
        std::vector<net::AddressPool> pools;
    };
    struct Lease {
        std::string network;
        std::vector<net::Address> addresses;
        std::vector<net::PublishedPort> ports;
        bool attached = false;
    };
    Result<void> open_bridge(const NetworkRecord& record);
    Result<NetworkRecord> default_bridge() const;
    Result<void> take_addresses(Bridge& bridge, Lease& lease, EndpointState& endpoint);
    Result<void> reserve_ports(const Container& container, Lease& lease);

    std::unique_ptr<net::Network> network_;
    std::string bridge_name_;
    std::vector<NetworkRecord> records_;
    std::map<std::string, Bridge> bridges_;  // by network name
    std::map<std::string, Lease> leases_;    // by container
};

// The network that a mode stands for: "default" is the bridge, or the host's on an engine without one.
std::string effective_network(const std::string& mode, bool has_bridge);

}  // namespace diatom::engine
