// What dhcpcd is told: it asks DHCP, listens to routers and makes addresses of RFC 3927 for us. Pure. Thread side: any.
// Source: dhcpcd.conf(5) of dhcpcd 10.1.
#pragma once

#include <string>
#include <string_view>

#include "uplink/wanted.h"

namespace diatom::uplink {

// `image`: the image's configuration, which serves where nothing is said of interfaces. Empty: nobody asks anything.
std::string dhcpcd_configuration(const Wanted& wanted, std::string_view image);

}  // namespace diatom::uplink
