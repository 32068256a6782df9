// The engine's records compared with the kernel and the disk: the parts of a check that need neither store nor network.
// Thread side: a worker; reads /proc, /sys and directories.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/finding.h"
#include "engine/model.h"
#include "proc/supervisor.h"

namespace diatom::engine {

// What there should be, as the loop's thread knows it.
struct CheckedState {
    EngineOptions options;
    std::set<std::string> containers;            // by id, with those that are being created
    std::set<std::string> busy;                  // of these, in the midst of a change: whatever they have is right
    std::vector<Container> running;              // paused ones too
    std::set<std::string> roots;                 // names of root file systems
    std::set<std::string> volumes;               // names
    std::set<std::string> networks;              // ids
    std::set<std::string> volume_mounts;         // mount points
    std::map<std::string, std::string> cgroups;  // of running and busy containers: id -> path
    std::size_t processes = 0;                   // that the engine waits for: containers and execs
    bool creating = false, image_work = false;
};

void check_directories(const CheckedState& state, Findings& findings);
void check_mounts(const CheckedState& state, const std::string& process, Findings& findings);
void check_cgroups(const CheckedState& state, const std::string& mount, Findings& findings);  // cgroup2, mounted there
void check_processes(const CheckedState& state, Findings& findings);
void check_descriptors(const CheckedState& state, Findings& findings);
// unavailable: no PID 1 of ours.
Result<void> check_parked(const CheckedState& state, const proc::Supervisor& supervisor, Findings& findings);

}  // namespace diatom::engine
