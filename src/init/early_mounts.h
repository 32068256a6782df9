// The file systems that must be there before anything else. Thread side: PID 1, once. A mount that is optional or there
// already (made by the /init stub) is passed over; a required one that fails is reported and the machine goes on, since a
// machine that half works can be repaired and one that panics cannot.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::init {

// What could not be done, as sentences for the log, which is not open yet.
std::vector<std::string> make_early_mounts();

// Fills the empty /etc from the image (/usr/share/diatom/etc).
Result<void> fill_etc(const std::string& from, const std::string& to);

// Enables every controller for the children of the root group, so that all of the tree can use them.
Result<void> delegate_controllers(const std::string& cgroup_root);

}  // namespace diatom::init
