// A built-in service as a container's configuration. Thread side: any.
#pragma once

#include "config/services.h"
#include "engine/model.h"

namespace diatom::engine {

inline constexpr const char* kServiceLabel = "io.diatom.service";  // value: the service's name
inline constexpr const char* kShutdownSignalLabel = "io.diatom.shutdown.signal";

// Devices are looked at on this machine; one that is not there is left out and named in `missing`.
Result<ContainerConfig> service_config(const config::SystemService& service, std::vector<std::string>& missing);

}  // namespace diatom::engine
