// The image store's part of `diatom system check`. Thread side: any; blocks on the disk.
#pragma once

#include <string>
#include <vector>

#include "base/finding.h"
#include "image/catalog.h"
#include "image/layers.h"

namespace diatom::image {

struct StoreParts {
    const std::string& root;
    Catalog& catalog;
    Layers& layers;
};

Result<Findings> check_store(StoreParts store, const std::vector<std::string>& containers, Store::Activity activity);

}  // namespace diatom::image
