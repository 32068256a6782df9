// A container's mounts: Docker's defaults, the engine's /etc files, then volumes, binds and tmpfs, parents first.
// Thread side: any.
#pragma once

#include "engine/model.h"
#include "runtime/spec.h"

namespace diatom::engine {

inline constexpr const char* kShm = "/dev/shm";

// Target -> what stands there for the container: of images, of parts of volumes, of another's kShm; see
// staged_mounts.h.
using StagedSources = std::map<std::string, std::string>;

Result<void> apply_mounts(runtime::Spec& spec, const Container& container, const StagedSources& staged = {});

inline constexpr const char* kInitTarget = "/sbin/docker-init";
void bind_init(runtime::Spec& spec, const std::string& program);

}  // namespace diatom::engine
