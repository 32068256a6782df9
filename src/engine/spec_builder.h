// From a container's record to what the runtime launches. Thread side: any; build_spec looks at files of the machine
// and of the container's root, so the engine calls it on a worker.
#pragma once

#include "engine/model.h"
#include "image/store.h"
#include "runtime/spec.h"
#include "sys/process.h"

namespace diatom::engine {

// What the record alone does not say.
struct SpecInputs {
    const Container* container = nullptr;
    std::optional<image::RootFs> rootfs;           // absent for system roots
    std::string cgroup;                            // its own, "" without
    std::string network_path, pid_path, ipc_path;  // namespaces of another container, "/proc/PID/ns/net"
    std::optional<sys::ProcessId> ipc_owner;       // who has the /dev/shm that goes with ipc_path
    std::map<std::string, std::string> staged;     // target -> what is bound there: see staged_mounts.h
    std::string init_program;
    unsigned short rows = 0, columns = 0;
};
Result<runtime::Spec> build_spec(const SpecInputs& inputs);

// The process of an exec; user and environment as Docker: the container's unless said otherwise.
Result<runtime::Process> build_exec(const Container& container, const ExecConfig& config, FdRef root);

// A read-only view of a container's root from outside, without mounting it anywhere: for looking up users and copying
// an image's files into a new volume. The view of a running container's is /proc/PID/root instead.
Result<Fd> open_root_view(const image::RootFs& rootfs);
Result<Fd> open_image_view(const image::RootFs& rootfs);  // the same without what the container wrote

}  // namespace diatom::engine
