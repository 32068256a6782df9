// What a merged document leaves unsaid: default network, names of things, dependencies that other keys imply. And the
// choice of the services that are asked for. Thread side: any; read_service_files() reads files.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compose/project.h"
#include "document/value.h"

namespace diatom::compose {

void normalize(Value& document, const std::string& project, const Environment& environment);

struct Selection {
    std::set<std::string> profiles;  // "*": all
    std::vector<std::string> services;
    Dependencies dependencies = Dependencies::with;
};
// Leaves the services that are active: of no profile, of an active one, or asked for.
Result<void> activate_services(Value& document, const Selection& selection);
// Leaves those that are asked for, and what they depend on.
Result<void> select_services(Value& document, const Selection& selection);

// env_file and label_file into environment and labels.
Result<void> read_service_files(Value& document, const Environment& environment);

// Of a canonical document: everything that is named is there, nothing excludes itself.
// `known`: all services, active or not.
Result<void> check_consistency(const Value& document, const std::set<std::string>& known);

// Removes networks, volumes, secrets and configs that no service uses.
void drop_unused(Value& document);

}  // namespace diatom::compose
