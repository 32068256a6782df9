// Places inside a container's root file system, found and made without ever leaving it: every step is resolved by
// openat2(RESOLVE_IN_ROOT), and what is used afterwards is the descriptor, never the path again (CVE-2019-19921,
// CVE-2021-30465, CVE-2024-45310). Thread side: any.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::runtime {

enum class Shape : std::uint8_t { directory, file };

// The place at `path` (O_PATH), made with all its parents when missing. Links are followed inside the root, dangling
// ones too, as a container's own process would. conflict: something of the other shape is there.
Result<Fd> open_target(FdRef root, const std::string& path, Shape shape);

// The directory at `path`, which must not lead through links: for /proc and /sys, whose files we ourselves trust.
Result<Fd> open_plain_directory(FdRef root, const std::string& path);

struct Split {
    std::string parent, name;
};
Split split_last(const std::string& path);

}  // namespace diatom::runtime
