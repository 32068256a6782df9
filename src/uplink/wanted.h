// What the network of the machine is to look like: the configuration's key `network`, together with the links that
// exist. Thread side: any; values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/links.h"

namespace diatom::uplink {

// A link that exists.
struct Present {
    int index = 0;
    std::string name;
    std::string kind;    // "bond", "bridge", "vlan", "veth"; empty for hardware
    std::string driver;  // of hardware
    std::string alias;
    net::Mac mac{}, own_mac{};  // own_mac: burnt in; that of a bond's member is the bond's
    unsigned mtu = 0;
    int master = 0, lower = 0;  // indexes; lower: what a VLAN is of
    bool hardware = false;      // there is a device behind it
    bool up = false, carrier = false;
    bool stp = false;                       // of a bridge
    std::uint32_t forward_delay = 0;        // of a bridge, in hundredths of a second
    std::uint16_t vlan = 0;                 // of a VLAN
    std::optional<std::uint8_t> bond_mode;  // of a bond, the kernel's number
};

struct WantedAddress {
    net::Address address;
    unsigned prefix = 0;
    friend bool operator==(const WantedAddress&, const WantedAddress&) = default;
};

struct WantedRoute {
    net::Subnet to;  // its base's family counts also where the prefix is 0
    net::Address via, from;
    std::uint32_t metric = 0, table = 254, mtu = 0;
    std::uint8_t kind = 1;  // RTN_UNICAST, …
    bool on_link = false;
    friend bool operator==(const WantedRoute&, const WantedRoute&) = default;
};

struct WantedRule {
    net::Address::Family family = net::Address::Family::v4;
    net::Subnet from, to;  // empty: any
    std::uint32_t table = 254, mark = 0;
    std::optional<std::uint32_t> priority;  // the kernel chooses
    friend bool operator==(const WantedRule&, const WantedRule&) = default;
};

struct Names {
    std::vector<std::string> servers, search;
    bool empty() const noexcept { return servers.empty() && search.empty(); }
    friend bool operator==(const Names&, const Names&) = default;
};

// What is asked of others on a link.
struct Asks {
    enum class Six : std::uint8_t {
        never,
        as_told,  // where router advertisements say so
        always,
    };
    bool dhcp4 = false, router = false, link_local = false;
    Six dhcp6 = Six::never;
    bool four() const noexcept { return dhcp4 || link_local; }
    bool six() const noexcept { return router || dhcp6 != Six::never; }
    bool anything() const noexcept { return four() || six(); }
    friend bool operator==(const Asks&, const Asks&) = default;
};

struct Bond {
    std::uint8_t mode = 1;  // active-backup
    std::vector<std::pair<std::string, std::string>> options;
};
struct Bridge {
    bool stp = false;
    std::optional<std::uint32_t> forward_delay;  // in hundredths of a second
};
struct Vlan {
    std::string link;
    std::uint16_t id = 0;
};

struct WantedLink {
    std::string name;
    std::string key;  // of network.interfaces; empty: nobody says anything of it but that it belongs to another
    std::optional<Bond> bond;
    std::optional<Bridge> bridge;
    std::optional<Vlan> vlan;
    std::string master;  // the bond or bridge that it is a member of
    std::optional<unsigned> mtu;
    std::optional<net::Mac> mac;
    Asks asks;
    std::vector<WantedAddress> addresses;
    std::vector<WantedRoute> routes;
    std::vector<WantedRule> rules;
    Names names;
    std::vector<std::vector<std::string>> up;  // commands
    bool optional = false;                     // nobody waits for it
    bool is_made() const noexcept { return bond || bridge || vlan; }
};

struct Wanted {
    std::vector<WantedLink> links;  // each after those that it is made of
    Names names;
    bool any_will_do = false;           // one address of one link makes the machine online
    std::vector<std::string> missing;   // keys that mean no link, and are not optional
    std::vector<std::string> problems;  // what cannot be, with its place; what is not there yet
    const WantedLink* find(const std::string& name) const {
        for (const auto& link : links) {
            if (link.name == name) return &link;
        }
        return nullptr;
    }
};

}  // namespace diatom::uplink
