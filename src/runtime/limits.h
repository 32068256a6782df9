// Resource limits and the out-of-memory score of a process. Thread side: any; they change the calling process.
#pragma once

#include <optional>
#include <vector>

#include "base/error.h"
#include "runtime/spec.h"

namespace diatom::runtime {

Result<void> set_limits(const std::vector<Rlimit>& limits);
// Raises hard limits where asked for more than we have, and lowers nothing: for a process that must not lose the room
// it needs itself, on behalf of a child that will not have the right (CAP_SYS_RESOURCE) to raise them.
Result<void> raise_hard_limits(const std::vector<Rlimit>& limits);
Result<void> set_oom_score(const std::optional<int>& score);

}  // namespace diatom::runtime
