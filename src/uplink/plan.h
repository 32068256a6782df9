// From the configuration to what is wanted. Pure: the same document and the same links give the same answer.
// Thread side: any.
//
// An interface's key is the name of a link that is made (bond, bridge, VLAN), or means links that are there: by `match`
// where it is said, else by name, by "mac=…", or as a glob. A name comes before all else, then the first key of the
// document that fits. Globs, hardware addresses and drivers mean hardware only: the ends of containers' networks are
// the engines'.
#pragma once

#include "document/value.h"
#include "uplink/wanted.h"

namespace diatom::uplink {

// `network`: what stands under this key of a checked configuration. Without interfaces, all hardware asks DHCP.
Wanted plan(const Value& network, const std::vector<Present>& present);

// Of one entry, for plan(): where something cannot be read, it is said in `problems`, and left out.
std::vector<WantedAddress> read_addresses(const Value& entry, const std::string& key,
                                          std::vector<std::string>& problems);
std::vector<WantedRoute> read_routes(const Value& entry, const std::string& key, std::vector<std::string>& problems);
std::vector<WantedRule> read_rules(const Value& entry, const std::string& key, std::vector<std::string>& problems);
Names read_names(const Value& dns);

// A command of the configuration as an argument vector.
std::vector<std::string> command_words(const Value& command);

}  // namespace diatom::uplink
