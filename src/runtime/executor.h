// The executor as a copy of the process that launches. Thread side: the only thread of its process.
#pragma once

#include "runtime/request.h"

namespace diatom::runtime {

// Executes what it has in memory. The request's descriptors are those behind kExecutorSocket, in their order.
int execute_copied(Request& request);

}  // namespace diatom::runtime
