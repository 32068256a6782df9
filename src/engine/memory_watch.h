// Processes of a container that the kernel kills for want of memory. Thread side: as stated.
#pragma once

#include <cstdint>
#include <string>

namespace diatom::engine {

struct Live;

// So far, in this run. Any thread; 0 where there is no such group.
std::uint64_t count_memory_kills(const std::string& cgroup);
void end_memory_watch(Live& live);  // the loop's thread

}  // namespace diatom::engine
