// The machine's own services, which the system engine starts (config/services.h): as what others wait for. Thread side:
// any; blocks.
#pragma once

#include <string>
#include <vector>

#include "compose/docker_client.h"
#include "config/services.h"
#include "service/starter.h"

namespace diatom::service {

// Until its container runs, and its check has passed where that is asked for. `client`: the system engine. The check is
// run by ourselves, on the machine's own root: it is a program of the machine's.
OwnWaiter wait_for_own(const compose::Client& client, std::vector<config::SystemService> own);

}  // namespace diatom::service
