// Another program in place of this one. Thread side: the only thread there is.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::proc {

// With this process's descriptors, and its environment. Returns only where it failed.
Result<void> become(const std::string& path, std::vector<std::string> argv);

}  // namespace diatom::proc
