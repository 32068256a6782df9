// What Ignition fails on, and other sources of a configuration do not: what stands where something else is to be,
// groups that there are not, ids that somebody else has. Found before anything is written. What an interrupted first
// boot wrote is in nobody's way. Thread side: any; reads files.
#pragma once

#include <string>
#include <vector>

#include "configure/apply.h"

namespace diatom::configure {

// Each with its place: "FILE:LINE: files.\"/etc/motd\": is there already, …".
std::vector<std::string> obstacles_of(const Value& machine, const Root& root);

}  // namespace diatom::configure
