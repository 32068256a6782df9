// Idmapped mounts: bind mounts whose files' owners are shown through a user namespace's mappings. The kernel wants the
// rights of the file system's own user namespace for that, so the executor makes their trees, before the container's
// namespaces. Thread side: the executor. Source: mount_setattr(2), Linux 5.12.
#pragma once

#include <map>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// User namespaces with the mappings, and the detached trees, which need no path but the sources' any more; both by
// their place in spec.mounts.
Result<std::map<std::size_t, Fd>> make_id_maps(const Spec& spec);
Result<std::map<std::size_t, Fd>> make_id_mapped(const Spec& spec, const std::map<std::size_t, Fd>& maps);

// The text of /proc/PID/uid_map.
std::string mapping_text(const std::vector<IdMapping>& mappings);

}  // namespace diatom::runtime
