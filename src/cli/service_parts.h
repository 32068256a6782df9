// What the subcommands of `diatom service` share. Thread side: main thread, but for what service_run.cpp says.
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "compose/containers.h"
#include "service/definitions.h"
#include "service/sources.h"

namespace diatom::cli {

// A container of a service, of the machine's own or of the configuration's projects.
struct ServiceContainer {
    compose::Container container;  // its `service` is the name
    service::Scope scope = service::Scope::system;
    bool own = false;
};

compose::Client engine_of(service::Scope scope);
// Of both engines, as far as they answer, by name.
std::vector<ServiceContainer> service_containers();
// Those of these services. not_found: there is none of that name; all without names.
Result<std::vector<ServiceContainer>> containers_of(const std::vector<std::string>& names);

// The definitions as the configuration says them now, written as at a boot; what is wrong is printed.
struct Services {
    std::vector<config::SystemService> own;
    service::Definitions system, user;
    service::Definitions& of(service::Scope scope) { return scope == service::Scope::system ? system : user; }
    // Why a service that is defined is in neither project; empty: it is.
    std::string left_out(const std::string& name) const;
};
enum class Look : std::uint8_t { as_written, anew };
Result<Services> read_services(Look look);

void warn_of_service(const std::string& line);

// The subcommands.
Result<int> list_services(const Arguments& arguments);
Result<int> show_service_containers(const Arguments& arguments);
Result<int> enable_service(const std::vector<std::string>& names);
Result<int> disable_service(const std::vector<std::string>& names);
Result<int> delete_service(const std::vector<std::string>& names);
Result<int> run_services();

}  // namespace diatom::cli
