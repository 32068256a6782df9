// The file systems that must be there before anything else. Thread side: PID 1, once. A mount that is optional or there
// already (made by the /init stub) is passed over; a required one that fails is reported and the machine goes on, since
// a machine that half works can be repaired and one that panics cannot.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::init {

// What could not be done, as sentences for the log, which is not open yet.
std::vector<std::string> make_early_mounts();

// The kernel opens the console as 0, 1 and 2 unless the initramfs has no such node. Then they are opened here:
// otherwise the first files of PID 1 would get the console's numbers. Before anything else is opened for good.
void open_standard_streams();

// Fills the empty /etc from the image (/usr/share/diatom/etc).
Result<void> fill_etc(const std::string& from, const std::string& to);

// Enables every controller for the children of the root group, so that all of the tree can use them.
Result<void> delegate_controllers(const std::string& cgroup_root);

}  // namespace diatom::init
