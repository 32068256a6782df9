// The network.
#include <array>

#include "machine/schema_parts.h"

namespace diatom::machine::schema {
namespace {

constexpr std::array kDnsKeys{
    Key{"servers", &kAddresses, "name servers", Applies::live},
    Key{"search", &kTexts, "domains in which short names are looked for", Applies::live},
};
constexpr Type kDns{.form = Form::object, .keys = kDnsKeys};

constexpr Type kDestination{.format = &kRoute};
constexpr std::array<Names, 5> kRouteKinds{"unicast", "blackhole", "unreachable", "prohibit", "throw"};
constexpr Type kRouteKind{.choices = kRouteKinds};
constexpr std::array kRouteKeys{
    Key{"to", &kDestination, "the network, or default", Applies::live},
    Key{"via", &kAddressText, "the gateway (none: on the link)", Applies::live},
    Key{"from", &kAddressText, "preferred source address", Applies::live},
    Key{"metric", &kCount, "the lower wins", Applies::live},
    Key{"table", &kCount, "routing table (254)", Applies::live},
    Key{"mtu", &kCount, "bytes of its largest packet", Applies::live},
    Key{"on_link", &kFlag, "the gateway is on the link whatever the addresses say (no)", Applies::live},
    Key{"kind", &kRouteKind, "unicast, blackhole, unreachable, prohibit or throw (unicast)", Applies::live},
};
constexpr Type kRouteEntry{.form = Form::object, .keys = kRouteKeys};
constexpr Type kRoutes{.form = Form::list, .item = &kRouteEntry};

constexpr std::array kRuleKeys{
    Key{"from", &kPrefixText, "packets from here", Applies::live},
    Key{"to", &kPrefixText, "packets to there", Applies::live},
    Key{"table", &kCount, "look in this table", Applies::live},
    Key{"priority", &kCount, "the lower is asked first", Applies::live},
    Key{"mark", &kCount, "packets with this mark", Applies::live},
};
constexpr Type kRule{.form = Form::object, .keys = kRuleKeys};
constexpr Type kRules{.form = Form::list, .item = &kRule};

constexpr std::array kMatchKeys{
    Key{"mac", &kMacText, "by hardware address", Applies::live},
    Key{"name", &kText, "by name, or a glob", Applies::live},
    Key{"driver", &kText, "by driver, or a glob", Applies::live},
};
constexpr Type kMatch{.form = Form::object, .keys = kMatchKeys};

constexpr Type kInterfaceName{.format = &kInterface};
constexpr Type kInterfaceNames{.form = Form::list, .item = &kInterfaceName};

constexpr std::array<Names, 7> kBondModes{"balance-rr", "active-backup", "balance-xor", "broadcast",
                                          "802.3ad",    "balance-tlb",   "balance-alb"};
constexpr Type kBondMode{.choices = kBondModes};
constexpr std::array kBondKeys{
    Key{"interfaces", &kInterfaceNames, "its members", Applies::live},
    Key{"mode", &kBondMode, "mode (active-backup)", Applies::live},
    Key{"options", &kOptions, "other options by the kernel's names: miimon, primary, lacp_rate", Applies::live},
};
constexpr Type kBond{.form = Form::object, .keys = kBondKeys};

constexpr std::array kBridgeKeys{
    Key{"interfaces", &kInterfaceNames, "its ports", Applies::live},
    Key{"stp", &kFlag, "spanning tree (no)", Applies::live},
    Key{"forward_delay", &kDurationText, "seconds before a port forwards (0s)", Applies::live},
};
constexpr Type kBridge{.form = Form::object, .keys = kBridgeKeys};

constexpr Type kVlanId{.form = Form::number, .least = 1, .most = 4094};
constexpr std::array kVlanKeys{
    Key{"link", &kInterfaceName, "the interface below", Applies::live},
    Key{"id", &kVlanId, "its number", Applies::live},
};
constexpr Type kVlan{.form = Form::object, .keys = kVlanKeys};

constexpr Type kMtu{.form = Form::number, .least = 68, .most = 65535};
constexpr std::array kInterfaceKeys{
    Key{"match", &kMatch, "which one it is, where its key is not its name: all that is said here must fit",
        Applies::live},
    Key{"dhcp4", &kFlag, "ask for an IPv4 address (where nothing is said of addresses)", Applies::live},
    Key{"dhcp6", &kFlag, "ask for an IPv6 address (where router advertisements say so)", Applies::live},
    Key{"accept_ra", &kFlag, "addresses and routes by router advertisements (yes)", Applies::live},
    Key{"link_local", &kFlag, "an IPv4 address of RFC 3927 (no)", Applies::live},
    Key{"addresses", &kPrefixes, "addresses with the length of their network", Applies::live},
    Key{"gateway4", &kAddressText, "the default route of IPv4", Applies::live},
    Key{"gateway6", &kAddressText, "the default route of IPv6", Applies::live},
    Key{"routes", &kRoutes, "other routes", Applies::live},
    Key{"rules", &kRules, "which packets ask which routing table", Applies::live},
    Key{"dns", &kDns, "name servers that are reached here", Applies::live},
    Key{"mtu", &kMtu, "bytes of the largest packet", Applies::live},
    Key{"mac", &kMacText, "the hardware address that it is given", Applies::live},
    Key{"bond", &kBond, "make it, of several", Applies::live},
    Key{"bridge", &kBridge, "make it, a bridge", Applies::live},
    Key{"vlan", &kVlan, "make it, a VLAN of another", Applies::live},
    Key{"up", &kCommands, "run when it is up", Applies::live},
    Key{"optional", &kFlag, "nobody waits for it (no)", Applies::live},
};
constexpr Type kInterfaceType{.form = Form::object, .keys = kInterfaceKeys};
constexpr Type kInterfaces{.form = Form::map, .item = &kInterfaceType, .format = &kInterface};

constexpr std::array kNetworkKeys{
    Key{"interfaces", &kInterfaces, "interfaces by name, glob, or mac=…; without any, all wired ones ask DHCP",
        Applies::live},
    Key{"dns", &kDns, "name servers and search domains for all", Applies::live},
    Key{"dhcp_timeout", &kDurationText, "how long what waits for the network waits (for ever)", Applies::next_boot},
    Key{"pre_commands", &kCommands, "run once a boot, before the network is set up", Applies::next_boot},
    Key{"post_commands", &kCommands, "run once a boot, when the network is there", Applies::next_boot},
};

constexpr std::array kProxyKeys{
    Key{"http", &kText, "http://[USER:PASSWORD@]HOST:PORT for requests in the clear", Applies::next_boot},
    Key{"https", &kText, "the same for TLS", Applies::next_boot},
    Key{"none", &kTexts, "hosts that are reached without", Applies::next_boot},
};

}  // namespace

constinit const Type kNetwork{.form = Form::object, .keys = kNetworkKeys};
constinit const Type kProxies{.form = Form::object, .keys = kProxyKeys};

}  // namespace diatom::machine::schema
