// Security options (`--security-opt`) and the limits of disks, as the runtime takes them. Thread side: any;
// apply_block_limits looks at nodes of the machine.
#pragma once

#include "engine/model.h"
#include "runtime/spec.h"

namespace diatom::engine {

struct SecurityOptions {
    bool no_new_privileges = false;
    bool unconfined = false;         // no seccomp
    std::string seccomp;             // text of a profile; empty: the default one
    std::string apparmor;            // a profile that is loaded; empty: unconfined
    bool open_system_paths = false;  // nothing masked, nothing read-only
    bool writable_cgroups = false;
};
// Refuses, by name, what is unknown and what this machine does not have.
Result<SecurityOptions> parse_security(const std::vector<std::string>& options);

// On a specification that has its capabilities.
Result<void> apply_security(runtime::Spec& spec, const ContainerConfig& config);
Result<void> apply_block_limits(runtime::Resources& resources, const std::vector<BlockLimit>& limits);

}  // namespace diatom::engine
