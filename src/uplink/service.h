// The program of the system service `network` where the configuration says something of the network: makes it true, and
// keeps it so while links come and go. Thread side: one thread; returns when it is told to end, or has nothing to do.
//
//   start ──> commands before, once a boot ──> settle
//   settle: links there are ──> plan ──> dhcpcd stops, if it is to ask others ──> reconcile ──> names ──> dhcpcd
//        ^                                                                                           │
//        └── a link or an address changed; reload; what failed is tried again <──────────────────────┘
//   online: everything that is not optional has what it should have, or dhcp_timeout is over ──> commands after
//   a change that nobody confirms in time is undone (uplink/pending.h)
#pragma once

#include <cstdint>

#include "machine/network_files.h"
#include "machine/store.h"

namespace diatom::uplink {

struct Places {
    machine::NetworkFiles files = {};
    std::string state = machine::kConfigDir;
    std::string online = "/run/diatom/online";
    std::string image_dhcpcd = "/usr/share/diatom/dhcpcd.conf";
    std::string dhcpcd = "/usr/sbin/dhcpcd";
    std::string hook = "/usr/lib/dhcpcd/dhcpcd-run-hooks";
};

enum class Until : std::uint8_t {
    told,
    online,  // or dhcp_timeout, half a minute at most: for a boot that must ask a server before the services start
};
Result<void> serve(const Places& places = {}, Until until = Until::told);

}  // namespace diatom::uplink
