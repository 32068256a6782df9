#include "cli/service_parts.h"

#include <algorithm>
#include <cstdio>

#include "base/strings.h"
#include "compose/container_spec.h"
#include "configure/gather.h"
#include "service/own_services.h"

namespace diatom::cli {
namespace {

using service::Scope;

constexpr const char* kOwnLabel = "io.diatom.service";  // the system engine's, on the machine's own

std::string label_of(const Json& container, std::string_view name) {
    return json_string(json_member(container, "Labels"), name).value_or("");
}

void add_containers(Scope scope, std::vector<ServiceContainer>& found) {
    const auto listed = engine_of(scope).get("/containers/json?all=1");
    if (!listed) {
        warn_of_service(std::format("the {} engine: {}", service::engine_name(scope), listed.error().what()));
        return;
    }
    for (const auto& one : *listed) {
        const auto own = scope == Scope::system ? label_of(one, kOwnLabel) : std::string();
        const bool of_project = label_of(one, compose::label::kProject) == service::project_name(scope);
        if (own.empty() && !of_project) continue;
        auto container = compose::decode_container(one);
        if (!own.empty()) container.service = own;
        if (container.number == 0) container.number = 1;  // the machine's own are not counted
        found.push_back({std::move(container), scope, !own.empty()});
    }
}

// What interpolation sees of a Compose file: the machine's `environment`.
compose::Environment environment_of(const Value& machine) {
    compose::Environment environment;
    for (const auto& [name, value] : machine.at("environment").members()) environment[name] = value.scalar_text();
    return environment;
}

}  // namespace

void warn_of_service(const std::string& line) { std::fputs(std::format("diatom service: {}\n", line).c_str(), stderr); }

compose::Client engine_of(Scope scope) { return compose::Client({.unix_path = service::engine_socket(scope)}); }

std::vector<ServiceContainer> service_containers() {
    std::vector<ServiceContainer> found;
    add_containers(Scope::system, found);
    add_containers(Scope::user, found);
    std::ranges::sort(found, {}, [](const ServiceContainer& one) { return one.container.name; });
    return found;
}

Result<std::vector<ServiceContainer>> containers_of(const std::vector<std::string>& names) {
    auto all = service_containers();
    if (names.empty()) return all;
    std::vector<ServiceContainer> chosen;
    for (const auto& name : names) {
        const auto before = chosen.size();
        std::ranges::copy_if(all, std::back_inserter(chosen), [&](const ServiceContainer& one) {
            return one.container.service == name || one.container.name == name;
        });
        if (chosen.size() > before) continue;
        std::vector<std::string_view> known;
        for (const auto& one : all) known.push_back(one.container.service);
        const auto near = nearest(name, known);
        return fail(Kind::not_found, "no container of a service {}; {}", name,
                    near ? std::format("did you mean {}?", *near)
                         : std::string("`diatom service list` shows which there are, `up` makes it"));
    }
    return chosen;
}

std::string Services::left_out(const std::string& name) const {
    for (const auto* one : {&system, &user}) {
        if (!one->traits.contains(name) || one->project.services().has(name)) continue;
        const auto mark = "services." + name;
        const auto problem = std::ranges::find_if(one->problems, [&](const auto& p) { return p.contains(mark); });
        return problem == one->problems.end() ? "it depends on one that is left out" : *problem;
    }
    return {};
}

Result<Services> read_services(Look look) {
    const auto gathered = configure::gather();
    const auto machine = gathered.layers.merged();
    if (look == Look::anew) {
        configure::Plan plan;
        configure::plan_services(machine, {}, plan);
        for (const auto& refused : plan.refused) warn_of_service(refused);
        for (const auto& problem : configure::carry_out(plan).problems) warn_of_service(problem);
    }
    configure::Fetching fetching(
        {.look = configure::Look::kept_first, .directory = config::kServicesState, .raise_network = {}});
    const service::Places places;
    std::vector<std::string> problems;
    auto sources = service::find_sources(places, fetching, problems);
    sources.environment = environment_of(machine);
    Services services;
    services.own = config::load_services(places.own).value_or(std::vector<config::SystemService>());
    config::add_configured(services.own, places.configured);
    services.system = TRY(service::read_definitions(sources, Scope::system));
    sources.scratch += "-user";
    services.user = TRY(service::read_definitions(sources, Scope::user));
    std::ranges::copy(services.system.problems, std::back_inserter(problems));
    std::ranges::copy(services.user.problems, std::back_inserter(problems));
    std::ranges::sort(problems);
    const auto twice = std::ranges::unique(problems);
    problems.erase(twice.begin(), twice.end());
    for (const auto& problem : problems) warn_of_service(problem);
    return services;
}

}  // namespace diatom::cli
