// The documents of a YAML stream that nobody vouches for: how many there are is known before any is kept, and a stream
// that yaml-cpp would read without end is refused. Exceptions of yaml-cpp stop here. Thread side: any.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"

namespace diatom {

// In order; none for an empty stream. invalid: no YAML, or more than `most` of them, with the line where the first that
// is too many begins. `file` names it in errors.
Result<std::vector<YAML::Node>> load_documents(const std::string& text, const std::string& file, std::size_t most);

}  // namespace diatom
