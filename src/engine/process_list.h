// The processes of a container, for top. Thread side: list_processes a worker (it blocks), the rest any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::engine {

// A column of ps(1), and the title under which it is shown.
struct ProcessColumn {
    std::string key, title;
};

// The columns that the options of ps ask for: "-ef" (as ""), "aux", "-o user,pid=PROCESS,args", "-eo pid". Which
// processes is the container's to say, so -e, -A, a and x say nothing. Refuses others by name, and a list without the
// pid, as Docker.
Result<std::vector<ProcessColumn>> parse_ps(std::string_view options);

struct ProcessTable {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows;  // by pid
};

// Without a cgroup: the processes that share the first one's pid namespace.
Result<ProcessTable> list_processes(const std::string& cgroup, int first_pid,
                                    const std::vector<ProcessColumn>& columns);

}  // namespace diatom::engine
