// Where a project begins: its files, environment and name. Thread side: any; reads files.
#pragma once

#include "compose/model.h"
#include "compose/project.h"

namespace diatom::compose {

struct Origin {
    ModelSource source;
    bool is_named = false;  // by the caller or the environment; otherwise a file's `name` goes first
    std::string name;
    std::vector<std::string> profiles;
};

Result<Origin> find_origin(const LoadOptions& options);

}  // namespace diatom::compose
