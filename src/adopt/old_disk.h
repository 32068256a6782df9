// The file system of a RancherOS, read where it lies: never written, and gone from sight with the descriptor.
// Thread side: any; blocks.
#pragma once

#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::adopt {

inline constexpr const char* kOldLabel = "RANCHER_STATE";

struct OldDisk {
    std::string device, uuid;
    Fd root;                // of its file system
    bool is_state = false;  // it is this machine's state partition, too (diatom.state=RANCHER_STATE)
};

// `device`: empty, for the one with the label. not_found: there is none; conflict: it is mounted, or was not unmounted
// in order; unsupported: another file system than ext4. `state`: where the state partition is mounted.
Result<OldDisk> open_old_disk(const std::string& device, const std::string& state);

}  // namespace diatom::adopt
