// Image archives that lie ready on the machine, so that it needs no registry: loaded into the engine before services
// start, each once. Thread side: any; blocks.
//
//   /var/lib/diatom/preload/system/*.tar       docker-archives and OCI archives; .tar.gz, .tar.zst, .tar.xz too
//   /var/lib/diatom/preload/user/*.tar
//   /var/lib/diatom/preload/ENGINE/loaded      what was loaded: one that is put there anew is loaded again
#pragma once

#include <functional>
#include <string>

#include "compose/docker_client.h"

namespace diatom::service {

using Say = std::function<void(const std::string& line)>;

// An archive that cannot be loaded is said, and tried again at the next boot.
void preload(const compose::Client& client, const std::string& directory, const Say& say);

}  // namespace diatom::service
