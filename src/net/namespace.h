// Work inside another network namespace. Thread side: any; the caller blocks.
//
// The thread rule: a network namespace belongs to a thread (setns(2)), so no thread of ours ever changes its own. A
// short-lived one enters, does the work and ends; the namespace of the engine's threads never differs from the host's.
// What it opens there (sockets, /proc/sys files) stays bound to that namespace and may be used by any thread.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::net {

// `netns`: /proc/PID/ns/net or a bind mount of it; needs CAP_SYS_ADMIN there and in the caller's user namespace.
Result<void> run_in_namespace(FdRef netns, const std::function<Result<void>()>& work);

}  // namespace diatom::net
