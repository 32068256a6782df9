// `diatom runtime`: containers from OCI bundles by runc's command line, so that what drives runc can drive us.
#include "cli/runtime_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/strings.h"
#include "cli/command.h"
#include "config/version.h"
#include "runtime/hooks.h"
#include "runtime/runtime.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <fcntl.h>

namespace diatom::cli {
namespace {

struct Subcommand {
    std::string_view name, summary;
    RuntimeRun run;
};

constexpr std::array kSubcommands{
    Subcommand{"create", "make a container from a bundle, ready to be started", runtime_create},
    Subcommand{"start", "run the program of a created container", runtime_start},
    Subcommand{"run", "create and start, and stay until it ends unless --detach", runtime_run},
    Subcommand{"state", "the state of a container, as JSON", runtime_state},
    Subcommand{"kill", "send a signal, SIGTERM by default, to its first process", runtime_kill},
    Subcommand{"delete", "remove a stopped container", runtime_delete},
    Subcommand{"exec", "run one more process in a container", runtime_exec},
    Subcommand{"pause", "freeze all processes of a container", runtime_pause},
    Subcommand{"resume", "let them go on", runtime_resume},
    Subcommand{"update", "change the limits of a container", runtime_update},
    Subcommand{"events", "statistics, and when memory ran out", runtime_events},
    Subcommand{"ps", "the processes of a container", runtime_ps},
    Subcommand{"list", "the containers of this root", runtime_list},
    Subcommand{"features", "what this runtime can do, as JSON", runtime_features},
    Subcommand{"spec", "write a config.json to begin with", runtime_spec},
};
constexpr std::array<std::string_view, 2> kAbsent = {"checkpoint", "restore"};

constexpr std::array<OptionSpec, 9> kOptions = {{
    {"--root", 0, true, "where the state of containers lies (default /run/diatom/runtime)"},
    {"--log", 0, true, "a file that errors are appended to"},
    {"--log-format", 0, true, "text (default) or json"},
    {"--cgroup-manager", 0, true, "cgroupfs (default) or disabled"},
    {"--systemd-cgroup", 0, false, "refused: this runtime does not talk to systemd"},
    {"--rootless", 0, true, "false or auto; true is refused"},
    {"--criu", 0, true, "ignored: there are no checkpoints"},
    {"--debug", 0, false, "ignored"},
    {"--version", 'v', false, "the version of the runtime"},
}};

struct Globals {
    oci::Place place;
    std::string log;
    bool json = false;
};

Result<Globals> read_globals(const Arguments& arguments) {
    Globals globals;
    globals.place.root = arguments.value("--root", globals.place.root);
    globals.log = arguments.value("--log");
    const auto format = arguments.value("--log-format", "text");
    if (format != "text" && format != "json")
        return fail(Kind::invalid, "--log-format {}: it must be text or json", format);
    globals.json = format == "json";
    const auto manager = arguments.value("--cgroup-manager", "cgroupfs");
    if (manager == "systemd" || arguments.has("--systemd-cgroup")) {
        return fail(Kind::unsupported, "the cgroup manager systemd is not supported: use --cgroup-manager cgroupfs");
    }
    if (manager != "cgroupfs" && manager != "disabled") {
        return fail(Kind::invalid, "--cgroup-manager {}: it must be cgroupfs or disabled", manager);
    }
    if (manager == "disabled") globals.place.cgroups = oci::CgroupManager::disabled;
    const auto rootless = arguments.value("--rootless", "auto");
    if (rootless != "auto" && rootless != "false") {
        return fail(Kind::unsupported, "--rootless {}: this runtime needs root", rootless);
    }
    return globals;
}

// Standard error for people; the log for who started us, in the words of logrus, which is what they read.
int report_failure(const Globals& globals, const Error& error) {
    std::fputs(std::format("diatom runtime: {}\n", error.what()).c_str(), stderr);
    if (globals.log.empty()) return 1;
    const auto time = sys::format_rfc3339(sys::wall_ns());
    const auto line = globals.json ? dump_json(Json{{"level", "error"}, {"msg", error.what()}, {"time", time}})
                                   : std::format("time=\"{}\" level=error msg={}", time, dump_json(Json(error.what())));
    const auto file = sys::open_path(globals.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file) std::ignore = sys::write_all(*file, line + "\n");
    return 1;
}

int print_help() {
    std::fputs(usage("diatom runtime [OPTIONS] COMMAND [ARGUMENTS]", kOptions).c_str(), stdout);
    std::puts("");
    for (const auto& command : kSubcommands)
        std::puts(std::format("  {:10} {}", command.name, command.summary).c_str());
    return 0;
}

int print_version() {
    std::puts(std::format("diatom runtime version {}\nspec: {}", config::version(), runtime::kOciVersion).c_str());
    return 0;
}

Result<const Subcommand*> choose(std::string_view name) {
    const auto* found = std::ranges::find(kSubcommands, name, &Subcommand::name);
    if (found != kSubcommands.end()) return found;
    if (std::ranges::contains(kAbsent, name))
        return fail(Kind::unsupported, "{} is not supported by this runtime", name);
    std::vector<std::string_view> names;
    for (const auto& command : kSubcommands) names.push_back(command.name);
    const auto near = nearest(name, names);
    return fail(Kind::invalid, "no such command: {}; {}", name,
                near ? std::format("did you mean \"{}\"?", *near) : std::string("--help lists them"));
}

// The subcommand is the first word that is neither an option nor an option's value.
std::size_t first_word(std::span<char*> args) {
    std::size_t at = 1;
    while (at < args.size() && args[at][0] == '-') {
        const std::string_view word = args[at++];
        const auto* option = std::ranges::find(kOptions, word, &OptionSpec::name);
        if (option != kOptions.end() && option->takes_value) ++at;
    }
    return std::min(at, args.size());
}

}  // namespace

Result<Arguments> runtime_arguments(std::span<char*> args, std::span<const OptionSpec> specs, Words words,
                                    Order order) {
    auto arguments = TRY(parse_arguments(args, specs, order), "{}", args[0]);
    if (arguments.has("--help")) {
        const auto* line = words == Words::none ? "" : words == Words::id ? " CONTAINER" : " CONTAINER [ARGUMENTS]";
        std::fputs(usage(std::format("diatom runtime {} [OPTIONS]{}", args[0], line), specs).c_str(), stdout);
        return arguments;
    }
    const auto count = arguments.rest.size();
    if (words != Words::none && count == 0) return fail(Kind::invalid, "{}: the ID of a container is missing", args[0]);
    if ((words == Words::none && count > 0) || (words == Words::id && count > 1)) {
        return fail(Kind::invalid, "{}: \"{}\" is one argument too many", args[0],
                    arguments.rest[words == Words::id ? 1 : 0]);
    }
    return arguments;
}

Result<oci::Wiring> wiring_of(const Arguments& arguments) {
    const auto text = arguments.value("--preserve-fds", "0");
    const auto count = parse_uint(text);
    if (!count || *count > runtime::kMaxPassed) {
        return fail(Kind::invalid, "--preserve-fds {}: it must be a number up to {}", text, runtime::kMaxPassed);
    }
    return oci::Wiring{.console_socket = arguments.value("--console-socket"),
                       .pid_file = arguments.value("--pid-file"),
                       .preserve_fds = static_cast<unsigned>(*count)};
}

Result<void> print_json(const Json& value) { return sys::write_all(FdRef(1), dump_json(value, 2) + "\n"); }

int runtime_command(std::span<char*> args) {
    const auto at = first_word(args);
    const auto options = parse_arguments(args.first(at), kOptions);
    if (!options) return report_failure({}, options.error());
    if (options->has("--version")) return print_version();
    if (options->has("--help")) return print_help();
    auto globals = read_globals(*options);
    if (!globals)
        return report_failure({.log = options->value("--log"), .json = options->value("--log-format") == "json"},
                              globals.error());
    if (at == args.size()) {
        print_help();
        return 1;
    }
    if (std::string_view(args[at]) == "help") return print_help();
    const auto command = choose(args[at]);
    if (!command) return report_failure(*globals, command.error());
    const auto code = (*command)->run(globals->place, args.subspan(at));
    return code ? *code : report_failure(*globals, code.error());
}

}  // namespace diatom::cli
