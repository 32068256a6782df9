// Paths of a Compose file: relative to the project's directory, or to "~". Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "compose/schema.h"
#include "document/value.h"

namespace diatom::compose {

struct Base {
    std::string directory;  // absolute
    std::string home;       // for "~"; may be empty
};

// Without ".", ".." and doubled slashes, by text alone.
std::string clean_path(std::string_view path);
std::string absolute_path(std::string_view path, const Base& base);
std::string parent_directory(std::string_view path);

// Makes every path of an expanded document absolute.
void resolve_paths(Value& value, const Type& type, const Base& base);

}  // namespace diatom::compose
