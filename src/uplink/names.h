// Name servers and search domains of the configuration beside those that DHCP and routers give: a file for each who
// says something, which dhcpcd's hook joins in the order of their names to /run/diatom/resolv.conf. Thread side: one.
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "uplink/wanted.h"

namespace diatom::uplink {

// By the name of the file. What is said for all comes first, then what is said for a link; leases come behind.
std::map<std::string, std::string> name_records(const Wanted& wanted);

// Writes them to the directory, and takes away what is said no more, that of links which ask no more among it. True
// when anything changed.
Result<bool> write_name_records(const std::string& directory, const Wanted& wanted);

}  // namespace diatom::uplink
