// How much memory the machine and its containers use. Thread side: any.
// Source: proc_meminfo(5); Documentation/admin-guide/cgroup-v2.rst of Linux 6.12 for memory.current.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::cli {

struct Memory {
    std::uint64_t total = 0, available = 0;  // bytes; available: what new programs could get
    std::uint64_t used() const noexcept { return total - available; }
};

// corrupt: a line is missing or makes no sense. Figures are never made up.
Result<Memory> parse_meminfo(std::string_view text);
Result<Memory> read_memory(const std::string& meminfo = "/proc/meminfo");

// Bytes that the control group of a running container holds, page cache included. `scope`: "system" or "user".
Result<std::uint64_t> read_container_memory(std::string_view scope, std::string_view id,
                                            const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace diatom::cli
