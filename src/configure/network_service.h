// The system service `network`, seen by who changes its configuration. Thread side: any; blocks.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace diatom::configure {

// Has it take up what is written. Where dhcpcd runs by itself, because nothing was configured, the service is started
// anew. Gives what could not be done. unavailable: there is no such service now.
Result<std::vector<std::string>> reload_network();

// A change that waits for it stays. not_found: none does.
Result<void> confirm_network();

}  // namespace diatom::configure
