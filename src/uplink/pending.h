// A change of the running network that undoes itself unless it is confirmed in time. All of it is files, so that
// whoever is killed meanwhile, the service finds its way back when it starts again; the machine's own file goes back
// with it, at the next boot at the latest (machine/unconfirmed.h). Thread side: one at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/network_files.h"
#include "machine/unconfirmed.h"

namespace diatom::uplink {

class Pending {
public:
    Pending(machine::NetworkFiles files, machine::Unconfirmed unconfirmed)
        : files_(std::move(files)), unconfirmed_(std::move(unconfirmed)) {}

    // Before the new configuration is written: what holds now comes back after `seconds`. A change upon one that is not
    // confirmed goes back to the one before both.
    Result<void> begin(std::int64_t seconds) const;
    // Nanoseconds since the start of the kernel; nothing: nothing is pending.
    std::optional<std::int64_t> deadline() const;
    Result<void> confirm() const;  // not_found: nothing is pending
    Result<void> undo() const;

private:
    Result<void> forget() const;
    machine::NetworkFiles files_;
    machine::Unconfirmed unconfirmed_;
};

}  // namespace diatom::uplink
