// An archive of one file, as PUT /containers/X/archive takes it (POSIX ustar). Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::compose {

struct TarEntry {
    std::string name;  // without the leading slash; 100 bytes at most
    unsigned mode = 0444, uid = 0, gid = 0;
};

Result<std::string> make_tar(const TarEntry& entry, std::string_view contents);

}  // namespace diatom::compose
