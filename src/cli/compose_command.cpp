#include "cli/compose_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "base/strings.h"
#include "cli/command.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array kOptions{
    OptionSpec{"--file", 'f', true, "a Compose file; again for more, \"-\" is standard input"},
    OptionSpec{"--project-name", 'p', true, "in place of the file's or the directory's name"},
    OptionSpec{"--project-directory", 0, true, "where relative paths begin; default: with the first file"},
    OptionSpec{"--profile", 0, true, "a profile to activate; again for more, \"*\" is all"},
    OptionSpec{"--env-file", 0, true, "variables, in place of .env; again for more"},
};

constexpr std::array kCommands{
    ComposeCommand{"config", "the files, merged and in canonical form", compose_config},
    ComposeCommand{"up", "make and start the containers", compose_up},
    ComposeCommand{"down", "stop and remove containers and networks", compose_down},
    ComposeCommand{"ps", "the containers", compose_ps},
    ComposeCommand{"ls", "the projects of the engine", compose_ls},
    ComposeCommand{"logs", "what the containers say", compose_logs},
    ComposeCommand{"exec", "run a command in a container", compose_exec},
    ComposeCommand{"run", "run a command in a container of its own", compose_run},
    ComposeCommand{"pull", "pull the images", compose_pull},
    ComposeCommand{"start", "start the containers", compose_start},
    ComposeCommand{"stop", "stop the containers", compose_stop},
    ComposeCommand{"restart", "restart the containers", compose_restart},
    ComposeCommand{"rm", "remove stopped containers", compose_rm},
};

constexpr std::size_t kMaxInput = 1U << 20U;

std::string help() {
    auto text = usage("diatom compose [OPTIONS] COMMAND [ARGUMENTS]", kOptions) + "\n";
    for (const auto& command : kCommands) text += std::format("  {:10} {}\n", command.name, command.summary);
    return text;
}

compose::Environment process_environment() {
    compose::Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (const auto halves = cut(*entry, '=')) environment.emplace(halves->first, halves->second);
    }
    return environment;
}

Result<ComposeContext> make_context(const Arguments& arguments) {
    std::error_code failed;
    const auto here = std::filesystem::current_path(failed);
    if (failed) return fail_errno(failed.value(), "find the current directory");
    ComposeContext context;
    context.options.files = arguments.values("--file");
    context.options.name = arguments.value("--project-name");
    context.options.directory = arguments.value("--project-directory");
    context.options.profiles = arguments.values("--profile");
    context.options.env_files = arguments.values("--env-file");
    context.options.environment = process_environment();
    context.options.current_directory = here.string();
    context.options.read_input = [] { return sys::read_all(FdRef(STDIN_FILENO), kMaxInput); };
    return context;
}

Result<int> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions, Order::options_first));
    if (arguments.has("--help") || arguments.rest.empty()) {
        std::fputs(help().c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    const auto& name = arguments.rest.front();
    const auto* command = std::ranges::find(kCommands, name, &ComposeCommand::name);
    if (command == kCommands.end()) {
        std::vector<std::string_view> names;
        for (const auto& known : kCommands) names.push_back(known.name);
        const auto near = nearest(name, names);
        return fail(Kind::invalid, "no such command: {}; {}", name,
                    near ? std::format("did you mean \"{}\"?", *near) : "\"diatom compose --help\" lists them");
    }
    auto context = TRY(make_context(arguments));
    return command->run(context, args.last(arguments.rest.size()));
}

}  // namespace

Result<compose::Project> load_compose(const ComposeContext& context) {
    auto project = TRY(compose::load_project(context.options));
    for (const auto& warning : project.warnings) {
        std::fputs(std::format("diatom compose: {}\n", warning).c_str(), stderr);
    }
    return project;
}

Result<compose::Client> compose_client(const ComposeContext& context) {
    return compose::Client(TRY(compose::find_endpoint(context.options.environment)));
}

void report_step(std::string_view kind, std::string_view name, std::string_view what) {
    std::fputs(std::format(" {} {}  {}\n", kind, name, what).c_str(), stderr);
}

Result<std::optional<Arguments>> compose_arguments(std::span<char*> args, std::span<const OptionSpec> specs,
                                                   std::string_view line, Order order) {
    auto arguments = TRY(parse_arguments(args, specs, order));
    if (!arguments.has("--help")) return arguments;
    std::fputs(usage(std::format("diatom compose {}", line), specs).c_str(), stdout);
    return std::nullopt;
}

Result<std::vector<compose::Container>> chosen_containers(const compose::Client& client,
                                                          const compose::Project& project,
                                                          const std::vector<std::string>& services) {
    for (const auto& name : services) {
        if (!project.all_services.contains(name)) return fail(Kind::not_found, "no such service: {}", name);
    }
    auto containers = TRY(compose::list_containers(client, project.name));
    std::erase_if(containers, [&](const compose::Container& container) {
        return !services.empty() && !std::ranges::contains(services, container.service);
    });
    return containers;
}

Failure refuse_build() {
    return fail(Kind::unsupported,
                "--build: images are not built on this machine: build them elsewhere, push or load them, and name them "
                "as `image`");
}

int compose_command(std::span<char*> args) {
    auto done = run(args);
    return done ? *done : report("compose", done.error());
}

}  // namespace diatom::cli
