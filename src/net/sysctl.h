// net.* parameters of the namespace of the calling thread. Thread side: any.
#pragma once

#include <string>

#include "base/error.h"

namespace diatom::net {

enum class Ipv6 : std::uint8_t { off, on };

// `name` below /proc/sys/net: "ipv4/ip_forward". Written only when it differs, so that a read-only /proc/sys that is
// already right is no error.
Result<void> set_sysctl(const std::string& name, const std::string& value);

// net.ipv6.conf.INTERFACE: off, or on without router advertisements (a container could redirect its neighbours and the
// host: CVE-2020-13401) and without duplicate address detection. A kernel without IPv6 is off.
Result<void> set_interface_ipv6(const std::string& interface, Ipv6 wanted);

// Routes between interfaces. For IPv6 this would stop the host from taking routes out of router advertisements, hence
// interfaces that accept them (accept_ra 1) are told to go on (accept_ra 2).
Result<void> enable_forwarding(Ipv6 wanted);

}  // namespace diatom::net
