// The services of the machine's configuration that are no part of its own system, as Compose projects: one for each
// engine. Thread side: any; reads and writes files.
//
// Labels of RancherOS, with the meaning that they have there (os.d "system services"):
//   io.rancher.os.scope       system (the default here) or user: which engine's container it is
//   io.rancher.os.after       names, by commas: these are started before, or have ended where they are not detached
//   io.rancher.os.before      the other way round
//   io.rancher.os.detach      false: it runs to its end, and who comes after it waits for that
//   io.rancher.os.createonly  true: made, not started
//   io.rancher.os.reloadconfig  true: when it has ended the configuration is read anew
//   io.docker.compose.rebuild   always: made anew at each start of the services
//   cron.schedule             when it is started (config/schedule.h)
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/project.h"
#include "config/schedule.h"

namespace diatom::service {

enum class Scope : std::uint8_t { system, user };

std::string_view project_name(Scope scope) noexcept;  // "system", "services": of the Compose project
const char* engine_name(Scope scope) noexcept;        // "system", "user"
const char* engine_socket(Scope scope) noexcept;

// A service of the machine's own that another waits for.
struct OwnDependency {
    std::string name;
    bool healthy = false;  // service_healthy: its check has passed
};

struct Traits {
    std::vector<OwnDependency> own;
    std::optional<config::Schedule> schedule;
    bool create_only = false, rebuild = false, reloads_config = false;
    bool starts_at_once() const noexcept { return !create_only && !schedule; }
};

struct Definitions {
    compose::Project project;
    std::map<std::string, Traits> traits;  // by service; one that is not here has none
    std::vector<std::string> problems;     // what was left out, and why
};

struct Sources {
    std::vector<std::string> files;    // Compose files
    std::set<std::string> own;         // names of the machine's own services
    std::set<std::string> disabled;    // names of services that do not run
    compose::Environment environment;  // of interpolation
    std::string scratch;               // a directory for what Compose reads: emptied
};

// A file or a service that is no good is left out, and costs no other. Errors: the scratch directory cannot be written.
Result<Definitions> read_definitions(const Sources& sources, Scope scope);

}  // namespace diatom::service
