// Limits on the disk space of a container's own files (--storage-opt size=…) and of a volume (-o size=…): project
// quotas of the state partition, a project for each. Its number is chosen at random and stands on the directories
// themselves. Thread side: any; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::engine {

// Turns limits on. A file system that cannot have them is no error: limit_size() tells of it then.
void enforce_size_limits(const std::string& root);

// `directories`, which are empty or have been limited before, hold `bytes` together at the most.
Result<void> limit_size(const std::vector<std::string>& directories, std::uint64_t bytes);

// Takes the limit of a directory away when it goes: made before its files are removed, the limit is lifted after them.
// The directory goes with the one that it stands in. Does nothing where there is no limit.
class SizeLimitRelease {
public:
    explicit SizeLimitRelease(const std::string& directory);
    SizeLimitRelease(const SizeLimitRelease&) = delete;
    SizeLimitRelease& operator=(const SizeLimitRelease&) = delete;
    ~SizeLimitRelease();

private:
    std::string survivor_;  // a directory of the same file system
    std::uint32_t project_ = 0;
};

}  // namespace diatom::engine
