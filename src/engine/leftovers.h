// What an engine that was killed left half-way, removed by the next one before it adopts what runs: directories,
// control groups and parked descriptors of containers that do not run, and of containers that no record mentions;
// volumes that were being made or removed. Thread side: before the loop runs; blocks. What cannot be removed is logged,
// and `diatom system check` tells of it.
#pragma once

#include <set>
#include <string>

#include "engine/model.h"
#include "proc/supervisor.h"

namespace diatom::engine {

struct Kept {
    std::set<std::string> containers, volumes;  // in the database, readable or not
    std::set<std::string> running = {};         // whose record says that they run; some have ended meanwhile
};
void remove_leftovers(const EngineOptions& options, const proc::Supervisor& supervisor, const Kept& kept);

}  // namespace diatom::engine
