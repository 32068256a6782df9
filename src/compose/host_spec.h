// The HostConfig of a container: resources, isolation, mounts. Thread side: any.
#pragma once

#include "compose/container_spec.h"

namespace diatom::compose {

Result<Value> host_config(const Project& project, const ContainerPlan& plan);

}  // namespace diatom::compose
