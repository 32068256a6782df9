// up, down, start, stop, restart, rm, pull.
#include <array>

#include "base/strings.h"
#include "cli/compose_command.h"

namespace diatom::cli {
namespace {

using compose::Runner;

constexpr std::array kUp{
    OptionSpec{"--detach", 'd', false, "leave the containers in the background"},
    OptionSpec{"--force-recreate", 0, false, "make every container anew"},
    OptionSpec{"--no-recreate", 0, false, "leave containers that differ from the files"},
    OptionSpec{"--no-start", 0, false, "only make the containers"},
    OptionSpec{"--no-deps", 0, false, "without the services that these depend on"},
    OptionSpec{"--remove-orphans", 0, false, "remove containers of services that are gone"},
    OptionSpec{"--scale", 0, true, "SERVICE=COUNT"},
    OptionSpec{"--pull", 0, true, "always, missing (default) or never"},
    OptionSpec{"--build", 0, false, "refused: images are not built here"},
    OptionSpec{"--no-build", 0, false, "as always"},
    OptionSpec{"--renew-anon-volumes", 'V', false, "new anonymous volumes for containers made anew"},
    OptionSpec{"--wait", 0, false, "until all run, or are healthy"},
    OptionSpec{"--wait-timeout", 0, true, "seconds for --wait"},
    OptionSpec{"--abort-on-container-exit", 0, false, "stop all when one has ended; its exit code"},
    OptionSpec{"--exit-code-from", 0, true, "the same, with the exit code of this service"},
    OptionSpec{"--no-log-prefix", 0, false, "without the containers' names"},
    OptionSpec{"--timestamps", 0, false, "when each line was said"},
    OptionSpec{"--timeout", 't', true, "seconds until a container is killed on Ctrl-C"},
};
constexpr std::array kDown{
    OptionSpec{"--volumes", 'v', false, "remove the project's volumes too"},
    OptionSpec{"--rmi", 0, true, "all: remove the services' images too; local: those that no `image` names"},
    OptionSpec{"--remove-orphans", 0, false, "remove containers of services that are gone"},
    OptionSpec{"--timeout", 't', true, "seconds until a container is killed"},
};
constexpr std::array kTimeout{OptionSpec{"--timeout", 't', true, "seconds until a container is killed"}};
constexpr std::array kRestart{
    OptionSpec{"--timeout", 't', true, "seconds until a container is killed"},
    OptionSpec{"--no-deps", 0, false, "only these services, as always"},
};
constexpr std::array kPull{
    OptionSpec{"--ignore-pull-failures", 0, false, "go on with the other images"},
    OptionSpec{"--include-deps", 0, false, "the services that these depend on, too"},
    OptionSpec{"--quiet", 'q', false, "say nothing"},
};
constexpr std::array kRemove{
    OptionSpec{"--force", 'f', false, "without asking, as always"},
    OptionSpec{"--stop", 's', false, "stop them before"},
    OptionSpec{"--volumes", 'v', false, "remove their anonymous volumes too"},
};

Result<std::int64_t> timeout_of(const Arguments& arguments) {
    return TRY(seconds_of(arguments, "--timeout")).value_or(-1);
}

Result<compose::Pull> pull_of(const std::string& text) {
    if (text.empty() || text == "missing") return compose::Pull::missing;
    if (text == "always") return compose::Pull::always;
    if (text == "never") return compose::Pull::never;
    return fail(Kind::invalid, "--pull {}: must be always, missing or never", text);
}

Result<compose::UpOptions> up_options(const Arguments& arguments, const compose::Project& project) {
    compose::UpOptions options;
    if (arguments.has("--force-recreate")) options.recreate = compose::Recreate::always;
    if (arguments.has("--no-recreate")) options.recreate = compose::Recreate::never;
    if (arguments.has("--remove-orphans")) options.orphans = compose::Orphans::remove;
    options.start = !arguments.has("--no-start");
    options.wait = arguments.has("--wait");
    options.wait_timeout = TRY(seconds_of(arguments, "--wait-timeout")).value_or(0);
    options.pull = TRY(pull_of(arguments.value("--pull")));
    if (arguments.has("--renew-anon-volumes")) options.volumes = compose::AnonymousVolumes::renew;
    for (const auto& text : arguments.values("--scale")) {
        const auto halves = cut(text, '=');
        const auto count = halves ? parse_uint(halves->second) : std::nullopt;
        if (!count || *count > 10'000) return fail(Kind::invalid, "--scale {}: must be SERVICE=COUNT", text);
        const std::string service(halves->first);
        if (!project.services().has(service)) return fail(Kind::not_found, "no such service: {}", service);
        options.scale[service] = static_cast<int>(*count);
    }
    return options;
}

// The project without a choice of services, and the services that were named.
struct Chosen {
    compose::Project project;
    std::set<std::string> services;
};
Result<Chosen> load_chosen(ComposeContext& context, const Arguments& arguments) {
    context.options.profiles.emplace_back("*");
    Chosen chosen{TRY(load_compose(context)), {arguments.rest.begin(), arguments.rest.end()}};
    for (const auto& name : chosen.services) {
        if (!chosen.project.all_services.contains(name)) return fail(Kind::not_found, "no such service: {}", name);
    }
    return chosen;
}

// The exit code of the first of them that has ended, of the service when one is named.
Result<int> exit_code_of(const compose::Client& client, const std::vector<compose::Container>& containers,
                         const std::string& service) {
    for (const auto& container : containers) {
        if (!service.empty() && container.service != service) continue;
        const auto health = TRY(compose::inspect_health(client, container.id));
        if (!health.running && !health.restarting) return static_cast<int>(health.exit_code);
    }
    return 0;
}

// In the foreground: their output, and their end with ours.
Result<int> attach(const compose::Client& client, const compose::Project& project, Runner& runner,
                   const Arguments& arguments) {
    std::vector<std::string> services;
    for (const auto& [name, service] : project.services().members()) {
        if (service.boolean_of("attach", true)) services.push_back(name);
    }
    const auto timeout = TRY(timeout_of(arguments));
    const auto containers = TRY(chosen_containers(client, project, services));
    const auto from = arguments.value("--exit-code-from");
    const bool aborts = arguments.has("--abort-on-container-exit") || !from.empty();
    const LogQuery query{.follow = true,
                         .timestamps = arguments.has("--timestamps"),
                         .prefix = !arguments.has("--no-log-prefix"),
                         .until_one_ends = aborts};
    const bool interrupted = TRY(print_logs(client, containers, query));
    if (!interrupted && !aborts) return 0;
    const int first = aborts && from.empty() ? TRY(exit_code_of(client, containers, {})) : 0;
    TRY(runner.stop({}, timeout));
    return from.empty() ? first : exit_code_of(client, containers, from);
}

}  // namespace

Result<int> compose_up(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kUp, "up [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    if (arguments->has("--build")) return refuse_build();
    context.options.services = arguments->rest;
    if (arguments->has("--no-deps")) context.options.dependencies = compose::Dependencies::without;
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    const auto options = TRY(up_options(*arguments, project));
    const auto from = arguments->value("--exit-code-from");
    if (!from.empty() && !project.services().has(from)) return fail(Kind::not_found, "no such service: {}", from);
    Runner runner(client, project, report_step);
    TRY(runner.up(options));
    const bool detached = arguments->has("--detach") || options.wait || !options.start;
    return detached ? Result<int>(0) : attach(client, project, runner, *arguments);
}

Result<int> compose_down(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kDown, "down [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    compose::DownOptions options;
    options.services = chosen.services;
    options.volumes = arguments->has("--volumes");
    const auto images = arguments->value("--rmi");
    if (images == "all") options.images = compose::RemoveImages::all;
    else if (images == "local") options.images = compose::RemoveImages::local;
    else if (arguments->has("--rmi")) return fail(Kind::invalid, "--rmi {}: must be all or local", images);
    options.timeout = TRY(timeout_of(*arguments));
    if (arguments->has("--remove-orphans")) options.orphans = compose::Orphans::remove;
    TRY(Runner(client, chosen.project, report_step).down(options));
    return 0;
}

Result<int> compose_start(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, {}, "start [SERVICE...]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    TRY(Runner(client, chosen.project, report_step).start(chosen.services));
    return 0;
}

Result<int> compose_stop(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kTimeout, "stop [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    TRY(Runner(client, chosen.project, report_step).stop(chosen.services, TRY(timeout_of(*arguments))));
    return 0;
}

Result<int> compose_restart(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kRestart, "restart [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    TRY(Runner(client, chosen.project, report_step).restart(chosen.services, TRY(timeout_of(*arguments))));
    return 0;
}

Result<int> compose_rm(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kRemove, "rm [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    TRY(Runner(client, chosen.project, report_step)
            .remove_stopped(chosen.services, arguments->has("--stop"), arguments->has("--volumes")));
    return 0;
}

Result<int> compose_pull(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kPull, "pull [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    context.options.services = arguments->rest;
    if (!arguments->has("--include-deps")) context.options.dependencies = compose::Dependencies::without;
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    const auto quiet = [](std::string_view, std::string_view, std::string_view) {};
    Runner runner(client, project, arguments->has("--quiet") ? Runner::Report(quiet) : Runner::Report(report_step));
    const bool goes_on = arguments->has("--ignore-pull-failures");
    TRY(runner.pull(goes_on ? Runner::Failures::tell : Runner::Failures::stop));
    return 0;
}

}  // namespace diatom::cli
