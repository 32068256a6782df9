// What a container changed on top of its image, as docker diff tells it: overlayfs's upper directory against the layers
// below. Thread side: any; blocks.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "engine/engine.h"

namespace diatom::engine {

// `lower`: what the container had without its upper directory. Sorted by path, a directory before what is in it. As
// with Docker, a directory counts as modified when its owner or mode is another or when something in it changed, and
// neither the root itself nor the mount points that starting made (those of `ours`, where they were added empty) count.
Result<std::vector<Change>> diff_upper(FdRef upper, FdRef lower, const std::vector<std::string>& ours);

}  // namespace diatom::engine
