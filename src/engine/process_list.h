// The processes of a container, for top. Thread side: a worker; blocks.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::engine {

// Rows of UID, PID, PPID, C, STIME, TTY, TIME and CMD (ps -ef), by pid. Without a cgroup: the processes that share
// the first one's pid namespace.
Result<std::vector<std::vector<std::string>>> list_processes(const std::string& cgroup, int first_pid);

}  // namespace diatom::engine
