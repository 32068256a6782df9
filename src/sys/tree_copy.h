// Copies the contents of one directory into another: files, directories, links, devices, with owner, mode, times and
// extended attributes (those of files and directories). Hard links within the tree stay together, holes stay holes.
// Thread side: any; blocks.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

enum class Attributes : std::uint8_t {
    as_taken,  // what the file system takes; without overlayfs's own, which mean something in a layer only
    all,       // every one of them, or an error
};

// The directory itself gets the source's owner and mode, too.
Result<void> copy_tree(FdRef from, FdRef to, Attributes attributes = Attributes::as_taken);

}  // namespace diatom::sys
