// Finding and executing the container's program. Thread side: the init of a container, as the container's user.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::runtime {

// The file that `name` means: itself if it contains a slash, else the first executable one in the PATH of `env`.
// not_found and denied in the words of runc, which Docker's clients show and turn into 127 and 126.
Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env);

// Returns only when it fails.
Error execute_program(const std::string& path, const std::vector<std::string>& args,
                      const std::vector<std::string>& env);

}  // namespace diatom::runtime
