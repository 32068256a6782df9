// The program file that executors are started from. A container may run it again as its own (an entry point that links
// to /proc/self/exe) and then open it for writing (CVE-2019-5736), so it must be one that cannot be written: the file
// itself where it lies on a read-only file system by nature (the machine's EROFS root); else seen through an overlayfs
// that has no upper layer, which costs no copy; where that cannot be had, a sealed copy in memory. Made once per
// process. A read-only bind mount would not do: root in a user namespace may clear the flag of a detached mount. Thread
// side: any.
#pragma once

#include <string>

#include "base/error.h"

namespace diatom::runtime {

Result<std::string> executor_path();

// Whether the program that runs here is already such a file: a copy of this process is then as safe as an execution.
bool runs_unwritable() noexcept;

}  // namespace diatom::runtime
