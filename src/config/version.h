// The version of the OS: /usr/share/diatom/version of the running image; "0.1.0-dev" outside one.
#pragma once

#include <string>

namespace diatom::config {

std::string version();

}  // namespace diatom::config
