// A Compose project: the files that describe it, read, merged and checked. Thread side: any; reads files.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "compose/interpolate.h"
#include "compose/validate.h"
#include "document/value.h"

namespace diatom::compose {

enum class Dependencies : std::uint8_t { with, without };

struct LoadOptions {
    std::vector<std::string> files;      // "-" is what read_input gives; none: as COMPOSE_FILE says, or the usual names
    std::string name;                    // of the project; empty: as the files say, or the directory's
    std::string directory;               // of the project; empty: the first file's
    std::vector<std::string> env_files;  // in place of .env
    std::vector<std::string> profiles;   // active ones; "*" is all
    std::vector<std::string> services;   // those asked for and what they need; none: all that are active
    Dependencies dependencies = Dependencies::with;
    Environment environment;        // of the process: goes before .env
    std::string current_directory;  // absolute
    bool interpolate = true;
    Extensions extensions = Extensions::drop;
    std::function<Result<std::string>()> read_input = {};  // standard input
};

struct Project {
    std::string name, directory;
    std::vector<std::string> files;  // absolute
    Environment environment;         // what interpolation saw
    // The canonical document (validate.h): `name`, and as far as there are any `services`, `networks`, `volumes`,
    // `secrets`, `configs`, x- keys. Only services that are active and, of the rest, only what these use.
    Value document;
    std::set<std::string> profiles;      // of all services, active or not
    std::set<std::string> all_services;  // active or not
    std::vector<std::string> warnings;   // variables that are not set

    const Value& services() const { return document.at("services"); }
};

// invalid: with file, line, key and what to do; not_found: no Compose file, no such service.
Result<Project> load_project(const LoadOptions& options);

// "My App" to "myapp": what may name a project.
std::string normalize_name(std::string_view text);

// What `docker compose` labels its containers with, so that one that differs is made anew.
std::string config_hash(const Value& service);

// Texts with every dollar sign doubled, so that the document reads back as itself.
void escape_dollars(Value& value);

}  // namespace diatom::compose
