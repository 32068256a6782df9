// What is wrong with a configuration, and what is only worth saying. Values never stand in either: they may be secrets.
// Thread side: any; values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "machine/path.h"

namespace diatom::ignition {

using machine::Path;

struct Report {
    std::vector<std::string> problems;  // "FILE:LINE: storage.files[0].mode: …": each of them stops the boot
    std::vector<std::string> warnings;

    void problem(const Value& at, const Path& path, std::string_view message);
    void warn(const Value& at, const Path& path, std::string_view message);
    void add(const Report& other);
};

}  // namespace diatom::ignition
