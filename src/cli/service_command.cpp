// `diatom service`: what there is, what runs, and how to change it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "base/strings.h"
#include "cli/command.h"
#include "cli/compose_command.h"
#include "cli/service_parts.h"
#include "service/starter.h"

namespace diatom::cli {
namespace {

using service::Scope;
using Words = std::vector<std::string>;

constexpr std::array<OptionSpec, 8> kOptions{{
    {"--all", 'a', false, "list: with those that the image brings along and that are not enabled"},
    {"--json", 'j', false, "list, ps: print JSON"},
    {"--follow", 'f', false, "logs: go on with what is said from now on"},
    {"--tail", 'n', true, "logs: only the last so many lines of each"},
    {"--time", 't', true, "stop, restart: seconds until it is killed"},
    {"--signal", 's', true, "kill: the signal (KILL)"},
    {"--force", 0, false, "rm: stop it before"},
    {"--volumes", 'v', false, "rm: remove its anonymous volumes, too"},
}};
constexpr const char* kUsage =
    "diatom service COMMAND [SERVICE...]\n"
    "  list                services, where they come from, whether they are enabled, what they do\n"
    "  ps                  their containers\n"
    "  enable WHAT...      from the next boot on, or with `up`: a name, the path or the URL of a Compose file;\n"
    "                      URL#sha256:DIGEST is taken only with these contents\n"
    "  disable WHAT...     not from the next boot on\n"
    "  delete WHAT...      disable it, and remove its containers\n"
    "  up [SERVICE...]     make and start what is enabled, as the configuration says it now\n"
    "  create [SERVICE...] make it, without starting it\n"
    "  start, stop, restart, kill, rm, pull, logs   as docker compose does it";

Result<int> on_containers(const Words& names, const std::function<Result<void>(const ServiceContainer&)>& act) {
    if (names.empty()) return fail(Kind::invalid, "name the services");
    for (const auto& one : TRY(containers_of(names))) {
        TRY(act(one), "{}", one.container.name);
        std::puts(one.container.name.c_str());
    }
    return 0;
}

std::function<Result<void>(const ServiceContainer&)> post(std::string action) {
    return [action = std::move(action)](const ServiceContainer& one) -> Result<void> {
        TRY(engine_of(one.scope).call("POST", "/containers/" + one.container.id + action));
        return {};
    };
}

Result<int> remove(const Arguments& arguments, const Words& names) {
    const auto query = std::format("?force={:d}&v={:d}", arguments.has("--force"), arguments.has("--volumes"));
    return on_containers(names, [&](const ServiceContainer& one) -> Result<void> {
        TRY(engine_of(one.scope).call("DELETE", "/containers/" + one.container.id + query));
        return {};
    });
}

Result<int> logs(const Arguments& arguments, const Words& names) {
    const auto chosen = TRY(containers_of(names));
    const LogQuery query{.follow = arguments.has("--follow"), .tail = arguments.value("--tail", "all")};
    for (const auto scope : {Scope::system, Scope::user}) {
        std::vector<compose::Container> containers;
        for (const auto& one : chosen) {
            if (one.scope == scope) containers.push_back(one.container);
        }
        if (!containers.empty()) TRY(print_logs(engine_of(scope), containers, query));
    }
    return 0;
}

// The services of a project that are named, or all.
std::set<std::string> chosen_of(const service::Definitions& definitions, const Words& names) {
    std::set<std::string> chosen;
    for (const auto& [name, service] : definitions.project.services().members()) {
        if (names.empty() || std::ranges::contains(names, name)) chosen.insert(name);
    }
    return chosen;
}

Result<void> check_names(const Services& services, const Words& names) {
    for (const auto& name : names) {
        const bool is_own = std::ranges::contains(services.own, name, &config::SystemService::name);
        if (const auto why = services.left_out(name); !why.empty())
            return fail(Kind::invalid, "service {} is left out: {}", name, why);
        if (is_own || services.system.traits.contains(name) || services.user.traits.contains(name)) continue;
        return fail(Kind::not_found, "no service {} is enabled: `diatom service list --all` shows which there are",
                    name);
    }
    return {};
}

// A container of the machine's own is made by the engine, at its start.
Result<void> start_own(const Services& services, const Words& names) {
    const auto containers = service_containers();
    for (const auto& name : names) {
        if (!std::ranges::contains(services.own, name, &config::SystemService::name)) continue;
        const auto one = std::ranges::find_if(
            containers, [&](const ServiceContainer& c) { return c.own && c.container.service == name; });
        if (one == containers.end()) {
            warn_of_service(std::format("{} is a service of the machine's own, and runs from the next boot on", name));
            continue;
        }
        TRY(post("/start")(*one), "start {}", name);
    }
    return {};
}

Result<int> up(const Words& names, bool start) {
    const auto services = TRY(read_services(Look::anew));
    TRY(check_names(services, names));
    if (start) TRY(start_own(services, names));
    int code = 0;
    for (const auto scope : {Scope::system, Scope::user}) {
        const auto& definitions = scope == Scope::system ? services.system : services.user;
        const auto chosen = chosen_of(definitions, names);
        if (chosen.empty()) continue;
        const auto engine = engine_of(scope);
        TRY(compose::Runner(engine, definitions.project, report_step).prepare_shared(compose::Orphans::tell));
        service::Starter starter(
            engine, definitions,
            {.up = {.start = start}, .chosen = chosen, .retries = false, .own = {}, .report = report_step});
        for (const auto& [name, progress] : starter.run()) {
            if (progress.stage != service::Stage::failed) continue;
            warn_of_service(std::format("{}: {}", name, progress.why));
            code = 1;
        }
    }
    return code;
}

Result<int> pull(const Words& names) {
    const auto services = TRY(read_services(Look::anew));
    TRY(check_names(services, names));
    for (const auto scope : {Scope::system, Scope::user}) {
        auto project = (scope == Scope::system ? services.system : services.user).project;
        auto* all = project.document.find("services");
        if (all == nullptr) continue;
        std::erase_if(all->members(), [&](const Member& service) {
            return !names.empty() && !std::ranges::contains(names, service.first);
        });
        const auto engine = engine_of(scope);
        TRY(compose::Runner(engine, project, report_step).pull());
    }
    return 0;
}

Result<int> dispatch(const std::string& command, const Arguments& arguments, const Words& names) {
    if (command == "list" || command == "ls") return list_services(arguments);
    if (command == "ps") return show_service_containers(arguments);
    if (command == "enable") return enable_service(names);
    if (command == "disable") return disable_service(names);
    if (command == "delete") return delete_service(names);
    if (command == "up") return up(names, true);
    if (command == "create") return up(names, false);
    if (command == "start") return on_containers(names, post("/start"));
    if (command == "stop") return on_containers(names, post("/stop" + TRY(timeout_query(arguments, "--time"))));
    if (command == "restart") return on_containers(names, post("/restart" + TRY(timeout_query(arguments, "--time"))));
    if (command == "kill") return on_containers(names, post("/kill?signal=" + arguments.value("--signal", "KILL")));
    if (command == "rm") return remove(arguments, names);
    if (command == "logs") return logs(arguments, names);
    if (command == "pull") return pull(names);
    if (command == "build") return refuse_build();
    if (command == "run") return run_services();  // of the service `services`
    static constexpr std::array<std::string_view, 14> kKnown{"list", "ps",     "enable", "disable", "delete",
                                                             "up",   "create", "start",  "stop",    "restart",
                                                             "kill", "rm",     "logs",   "pull"};
    const auto near = nearest(command, kKnown);
    return fail(Kind::invalid, "no such command: {}; {}", command,
                near ? std::format("did you mean \"{}\"?", *near) : "\"diatom service --help\" lists them");
}

Result<int> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    if (arguments.has("--help") || arguments.rest.empty()) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    return dispatch(arguments.rest.front(), arguments, {arguments.rest.begin() + 1, arguments.rest.end()});
}

}  // namespace

int service_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("service", code.error());
}

}  // namespace diatom::cli
