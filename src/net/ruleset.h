// The nftables table that makes container networks: its sets, maps, chains and rules, which never change while the
// engine runs; bridges and published ports are elements. `nft list table inet diatom` shows it with these comments.
//
//   set bridges            our bridges, by name
//   set masquerade         those whose traffic leaves with this host's address
//   set internal           those without a way out
//   set routed4, routed6   those whose traffic leaves with the containers' own addresses
//   set unprotected4, …6   those whose containers are reached at every port
//   set opened4, opened6   address . protocol . port of containers on routed bridges that others reach
//   set connected          bridge . bridge: pairs between which containers talk freely
//   set subnets4, subnets6 addresses of our bridges' containers
//   map ports4, ports6     protocol . port -> address . port, on every address of this host
//   map host4, host6       address . protocol . port -> address . port, for ports published on one address
//
//   martians (raw)         127.0.0.0/8 only from the loopback interface: containers on a bridge with route_localnet do
//                          not reach the host's loopback services (CVE-2020-8558), and neighbours of the host do not
//                          reach ports that are published on 127.0.0.1
//   prerouting, output     to an address of this host: look the port up in the maps (chain published)
//   postrouting            masquerade containers that talk to the world; containers and the host that reach a published
//                          port of a neighbour, whose answer must come back through us
//   forward                chain user first; established; within one bridge; published ports; the rest to or from an
//                          internal bridge, or to any bridge, is dropped
//   user                   empty, never changed by us: the host's own filter of container traffic. For example
//                          nft add rule inet diatom user iifname eth0 ct original proto-dst 8080 ip saddr != 10.0.0.0/8
//                          drop
//
// Traffic between two interfaces that are not ours is neither looked at nor dropped: a host that routes for Kubernetes
// or a VPN goes on doing so.
//
// Published ports on 127.0.0.1: a connection of the host to its loopback is translated in `output` and leaves by the
// bridge, which the kernel allows for a source of 127.0.0.1 only with route_localnet on that bridge (set when the first
// such port is published), and is masqueraded there. IPv6
// has no counterpart: nothing leaves with the source ::1, so a connection to ::1 is refused at once, by the reservation
// (reservation.h), and a client that was told "localhost" goes on to 127.0.0.1. Without br_netfilter no packet between
// containers of one bridge passes here; with it (Kubernetes) the same rules hold, but neighbours on a bridge without
// inter-container traffic then do not reach each other's published ports either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/nft_batch.h"

namespace diatom::net {

inline constexpr const char* kBridges = "bridges";
inline constexpr const char* kMasquerade = "masquerade";
inline constexpr const char* kInternal = "internal";
inline constexpr const char* kRouted4 = "routed4";
inline constexpr const char* kRouted6 = "routed6";
inline constexpr const char* kUnprotected4 = "unprotected4";
inline constexpr const char* kUnprotected6 = "unprotected6";
inline constexpr const char* kOpened4 = "opened4";
inline constexpr const char* kOpened6 = "opened6";
inline constexpr const char* kConnected = "connected";
inline constexpr const char* kSubnets4 = "subnets4";
inline constexpr const char* kSubnets6 = "subnets6";
inline constexpr const char* kPorts4 = "ports4";
inline constexpr const char* kPorts6 = "ports6";
inline constexpr const char* kHost4 = "host4";
inline constexpr const char* kHost6 = "host6";

// All sets and maps. One whose type changes in a later version gets another name: a set is never redefined in place.
const std::vector<NftSet>& ruleset_sets();

// Adds what is missing and writes the rules of our chains anew; elements and the chain user stay as they are.
void put_ruleset(NftBatch& batch, const std::string& table);

// Rules that put_ruleset() wrote, to tell a flushed table from a whole one.
std::size_t ruleset_size();
inline constexpr const char* kUserChain = "user";
bool is_ruleset_chain(std::string_view name);  // `user` too
bool is_ruleset_set(std::string_view name);

}  // namespace diatom::net
