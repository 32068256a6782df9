// Archives of images: what `docker save` writes, and OCI layouts. Thread side: a worker.
#pragma once

#include <string>
#include <vector>

#include "image/layers.h"
#include "image/store.h"

namespace diatom::image {

// Unpacks the archive (compressed or not) below `scratch`, then adds every image in it. Returns full references, or ids
// of images without a name. An archive that is neither: invalid.
Result<std::vector<std::string>> load_archive(FdRef archive, const std::string& scratch, Store& store, Layers& layers,
                                              const ProgressSink& progress);

}  // namespace diatom::image
