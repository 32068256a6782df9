// Copies the contents of one directory into another: files, directories, links, devices, with owner, mode, times and
// extended attributes. Hard links within the tree stay together. Thread side: any; blocks.
#pragma once

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// The directory itself gets the source's owner and mode, too.
Result<void> copy_tree(FdRef from, FdRef to);

}  // namespace diatom::sys
