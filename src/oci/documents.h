// What the runtime tells of itself. Thread side: any; values.
#pragma once

#include <cstdint>

#include "base/json.h"

namespace diatom::oci {

// Source: runtime-spec "features" and "features-linux".
Json features();

// A config.json that runs a shell on ./rootfs.
enum class For : std::uint8_t { root, user_namespace };
Json config_template(For whom);

}  // namespace diatom::oci
