// The operations of the runtime-spec on containers that live longer than the process that made them. Thread side: the
// calling thread, blocking. Source: runtime-spec "runtime" (lifecycle and operations); runc(8) for what it leaves open.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "oci/bundle.h"
#include "oci/record.h"
#include "oci/state_dir.h"
#include "sys/process.h"

namespace diatom::oci {

// Where records lie, and whether containers get cgroups.
struct Place {
    std::string root = "/run/diatom/runtime";
    CgroupManager cgroups = CgroupManager::cgroupfs;
};

// What a new process is connected to, besides our own standard descriptors.
struct Wiring {
    std::string console_socket;  // takes the terminal's master
    std::string pid_file;
    unsigned preserve_fds = 0;  // 3, 4, … of ours become the same of the process
};

struct CreateRequest {
    std::string id, bundle = ".";
    Wiring wiring;
    bool terminal_to_caller = false;  // of run in the foreground
};
Result<void> create(const Place& place, const CreateRequest& request);
Result<void> start(const Place& place, const std::string& id);

// Both at once, by who may stay with it. `terminal`: the master, when it goes to the caller.
struct RunContainer {
    StateDir dir;
    Record record;
    Fd pidfd, terminal;
};
Result<RunContainer> run(const Place& place, const CreateRequest& request);
// Whatever is left of it, unless somebody has removed it meanwhile.
Result<void> remove(const RunContainer& container);

struct Found {
    Record record;
    Status status = Status::stopped;
};
Result<Found> inspect(const Place& place, const std::string& id);
Result<std::vector<Found>> list(const Place& place);

enum class KillScope : std::uint8_t { init, all };
Result<void> kill(const Place& place, const std::string& id, int signal, KillScope scope);

// Forced: kills it first, and none is no error.
enum class Removal : std::uint8_t { stopped, forced };
Result<void> remove(const Place& place, const std::string& id, Removal removal);

struct ExecRequest {
    std::string id;
    runtime::Process process;
    Wiring wiring;
    bool ignore_paused = false;
    bool terminal_to_caller = false;
};
struct Executed {
    sys::ProcessId process;
    Fd pidfd, terminal;
};
Result<Executed> exec(const Place& place, const ExecRequest& request);

Result<void> pause(const Place& place, const std::string& id);
Result<void> resume(const Place& place, const std::string& id);

}  // namespace diatom::oci
