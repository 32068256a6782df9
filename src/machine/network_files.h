// Where the network's configuration stands while the machine runs, for who writes it (src/configure), who makes it true
// (src/uplink) and who asks (src/cli). Thread side: any.
#pragma once

#include <string>

namespace diatom::machine {

struct NetworkFiles {
    std::string run = "/run/diatom/network";

    // {"network": …, "environment": …} of the whole configuration; not there: all wired links ask DHCP, and dhcpcd does
    // that without us.
    std::string config() const { return run + "/config.json"; }
    // {"network": …} that the machine's own file said when that was written.
    std::string own() const { return run + "/own.json"; }
    // Both as they were before a change that is not confirmed, and until when it may be: nanoseconds since the start of
    // the kernel.
    std::string previous() const { return run + "/previous.json"; }
    std::string deadline() const { return run + "/deadline"; }

    std::string control() const { return run + "/control.sock"; }  // SOCK_SEQPACKET, JSON: {"op": "reload"|"confirm"}
    std::string memory() const { return run + "/memory.json"; }
    std::string dhcpcd() const { return run + "/dhcpcd.conf"; }
    std::string names() const { return run + "/dns"; }  // a file of resolv.conf(5)'s lines for each who names servers
};

}  // namespace diatom::machine
