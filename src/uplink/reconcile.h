// Makes the kernel's network what is wanted, by as few changes as it takes. Thread side: one thread at a time.
//
//   links that were made and are not wanted ──> go
//   bonds, bridges, VLANs that are not there ──> made, each after what it is of
//   every wanted link ──> hardware address, MTU, master, router advertisements, up
//   addresses ──> routes ──> rules
//
// What was different before is remembered and comes back when nothing is said of it any more.
#pragma once

#include <map>

#include "uplink/changes.h"

namespace diatom::uplink {

// What is not seen in the kernel. The service keeps it in /run, so that it outlives its own end.
struct Memory {
    Asked asked;                             // links on which dhcpcd was let loose
    std::map<std::string, unsigned> mtu;     // before the configuration said another
    std::map<std::string, std::string> mac;  // the same
    std::map<std::string, std::string> accept_ra;
};

struct Reconciled {
    unsigned changes = 0;
    std::vector<std::string> problems;  // "eth0: set MTU 9000: …"
};

// Fails only when the kernel cannot be asked.
Result<Reconciled> reconcile(Kernel& kernel, const Wanted& wanted, Memory& memory);

}  // namespace diatom::uplink
