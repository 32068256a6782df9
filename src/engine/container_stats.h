// What a running container uses, for docker stats. Thread side: a worker; blocks.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

// Of a cgroup (empty: none, its numbers stay zero) and of the network namespace of the container's first process.
Result<Stats> read_stats(const std::string& cgroup, int pid);

// "  eth0: 1 2 3 …" of /proc/PID/net/dev (proc(5)), without lo.
std::map<std::string, Stats::Interface> parse_interfaces(std::string_view text);
// "254:0 rbytes=1 wbytes=2 rios=3 wios=4 …" of io.stat (cgroup-v2.rst).
std::vector<Stats::Io> parse_io(std::string_view text);

}  // namespace diatom::engine
