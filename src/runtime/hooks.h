// The hooks of the runtime-spec: programs run in order at points of a container's life, its state on their standard
// input. Thread side: any; blocks until they have ended. Source: runtime-spec config "POSIX-platform Hooks", runtime
// "State" and "Lifecycle".
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "runtime/spec.h"

namespace diatom::runtime {

inline constexpr const char* kOciVersion = "1.2.0";

// {ociVersion, id, status, pid, bundle, annotations}; pid 0 is left out.
Json state_document(const Spec& spec, std::string_view status, int pid);

// Up to the first that fails, with what it printed in the error. `stage` names them ("createRuntime").
Result<void> run_hooks(std::string_view stage, const std::vector<Hook>& hooks, const Json& state);

// All of them: that one fails is a warning in the log, as the specification has it for poststart and poststop.
void run_late_hooks(std::string_view stage, const std::vector<Hook>& hooks, const Json& state);

}  // namespace diatom::runtime
