// A configuration on top of another. Source: Ignition's operator notes, "Config Merging": what the child says holds;
// lists are merged by what makes two entries the same, files, directories and links with each other. Thread side: any.
#pragma once

#include "ignition/schema.h"

namespace diatom::ignition {

// Both are what conform() made. The version is the child's or the parent's, whichever is later.
Value merge(const Value& parent, const Value& child);

}  // namespace diatom::ignition
