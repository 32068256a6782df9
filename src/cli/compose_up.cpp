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
    OptionSpec{"--wait", 0, false, "until all run, or are healthy"},
    OptionSpec{"--timeout", 't', true, "seconds until a container is killed on Ctrl-C"},
};
constexpr std::array kDown{
    OptionSpec{"--volumes", 'v', false, "remove the project's volumes too"},
    OptionSpec{"--remove-orphans", 0, false, "remove containers of services that are gone"},
    OptionSpec{"--timeout", 't', true, "seconds until a container is killed"},
};
constexpr std::array kTimeout{OptionSpec{"--timeout", 't', true, "seconds until a container is killed"}};
constexpr std::array kRemove{
    OptionSpec{"--force", 'f', false, "without asking, as always"},
    OptionSpec{"--stop", 's', false, "stop them before"},
    OptionSpec{"--volumes", 'v', false, "remove their anonymous volumes too"},
};

Result<std::int64_t> timeout_of(const Arguments& arguments) {
    if (!arguments.has("--timeout")) return -1;
    const auto seconds = parse_uint(arguments.value("--timeout"));
    if (!seconds) return fail(Kind::invalid, "--timeout {}: must be a number of seconds", arguments.value("--timeout"));
    return static_cast<std::int64_t>(*seconds);
}

Result<compose::UpOptions> up_options(const Arguments& arguments, const compose::Project& project) {
    compose::UpOptions options;
    if (arguments.has("--force-recreate")) options.recreate = compose::Recreate::always;
    if (arguments.has("--no-recreate")) options.recreate = compose::Recreate::never;
    if (arguments.has("--remove-orphans")) options.orphans = compose::Orphans::remove;
    options.start = !arguments.has("--no-start");
    options.wait = arguments.has("--wait");
    options.always_pull = arguments.value("--pull") == "always";
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

// In the foreground: their output, and their end with ours.
Result<void> attach(const compose::Client& client, const compose::Project& project, Runner& runner,
                    std::int64_t timeout) {
    std::vector<std::string> services;
    for (const auto& [name, service] : project.services().members()) {
        if (service.boolean_of("attach", true)) services.push_back(name);
    }
    const auto containers = TRY(chosen_containers(client, project, services));
    const bool interrupted = TRY(print_logs(client, containers, {.follow = true}));
    return interrupted ? runner.stop({}, timeout) : Result<void>();
}

}  // namespace

Result<int> compose_up(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kUp, "up [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    context.options.services = arguments->rest;
    if (arguments->has("--no-deps")) context.options.dependencies = compose::Dependencies::without;
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    const auto timeout = TRY(timeout_of(*arguments));
    const auto options = TRY(up_options(*arguments, project));
    Runner runner(client, project, report_step);
    TRY(runner.up(options));
    const bool detached = arguments->has("--detach") || options.wait || !options.start;
    if (!detached) TRY(attach(client, project, runner, timeout));
    return 0;
}

Result<int> compose_down(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kDown, "down [OPTIONS]"));
    if (!arguments) return 0;
    const auto chosen = TRY(load_chosen(context, *arguments));
    const auto client = TRY(compose_client(context));
    compose::DownOptions options;
    options.volumes = arguments->has("--volumes");
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
    const auto arguments = TRY(compose_arguments(args, kTimeout, "restart [OPTIONS] [SERVICE...]"));
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
    const auto arguments = TRY(compose_arguments(args, {}, "pull [SERVICE...]"));
    if (!arguments) return 0;
    context.options.services = arguments->rest;
    context.options.dependencies = compose::Dependencies::without;
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    TRY(Runner(client, project, report_step).pull());
    return 0;
}

}  // namespace diatom::cli
