// A container's mounts: Docker's defaults, the engine's /etc files, then volumes, binds and tmpfs, parents first.
// Thread side: any.
#pragma once

#include "engine/model.h"
#include "runtime/spec.h"

namespace diatom::engine {

Result<void> apply_mounts(runtime::Spec& spec, const Container& container);

}  // namespace diatom::engine
