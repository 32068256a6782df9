#include "cli/command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/configure_machine.h"
#include "cli/network_command.h"
#include "cli/passwords_command.h"
#include "config/version.h"
#include "init/init.h"
#include "runtime/runtime.h"

namespace diatom::cli {
namespace {

int run_init(std::span<char*> args) {
    return init::init_main(args, {.configure = configure_machine, .keep_logs = keep_last_logs});
}

int run_executor(std::span<char*>) { return runtime::executor_main(); }

constexpr std::array kCommands{
    Command{"init", "PID 1", run_init, Shown::hidden, Linked::sbin},
    Command{runtime::kExecutorName, "sets up a container", run_executor, Shown::hidden},
    Command{"engine", "which engine the user's containers have: list, switch, enable, create, rm", engine_command},
    Command{"console", "which console the machine's terminals have: list, switch, enable", console_command},
    Command{"status", "version, state, engines, containers, last boot", status_command},
    Command{"config", "what the machine's configuration says, why, and how to change it", config_command},
    Command{"service", "system services: what there is, what runs, and how to change it", service_command},
    Command{"adopt", "take what a RancherOS left on a disk: rancheros, status, confirm, undo", adopt_command},
    Command{"tls", "certificates of the engine's API", tls_command},
    Command{"ros", "the commands of RancherOS", ros_command, Shown::always, Linked::sbin},
    Command{"system-docker", "docker's everyday commands, on the system engine", system_docker_command, Shown::always,
            Linked::sbin},
    Command{"cloud-init", "status, query, schema: as cloud-init answers them", cloud_init_command, Shown::always,
            Linked::sbin},
    Command{"network", "what the network is, and changes of it that undo themselves", network_command},
    Command{"system", "check: whether everything is as the records say", system_command},
    Command{"boot", "the last boot as a timeline", boot_command},
    Command{"logs", "what kernel, PID 1, engines and services have said, also before this boot", logs_command},
    Command{"log", "the same", logs_command, Shown::hidden},
    Command{"compose", "projects of containers, described by Compose files", compose_command},
    Command{"runtime", "run containers from OCI bundles, as runc does", runtime_command},
    Command{"diatom-runtime", "the same, for engines that take a program", runtime_command, Shown::hidden,
            Linked::sbin},
    Command{"poweroff", "stop every container and power off", power_command, Shown::always, Linked::sbin},
    Command{"reboot", "stop every container and restart the machine", power_command, Shown::always, Linked::sbin},
    Command{"halt", "stop every container and halt", power_command, Shown::always, Linked::sbin},
    Command{"passwords", "takes passwords that users choose", passwords_command, Shown::hidden},
    Command{"choose-password", "the shell of who must choose one", choose_password_command, Shown::hidden,
            Linked::sbin},
    Command{"version", "the version of the program", version_command},
};

int print_help() {
    std::puts("usage: diatom COMMAND [ARGUMENTS]\n");
    for (const auto& command : kCommands) {
        if (command.shown == Shown::always) {
            std::puts(std::format("  {:13} {}", command.name, command.summary).c_str());
        }
    }
    std::puts("\n  --names    the commands that are programs of their own too\n  --version  the version");
    return 0;
}

int print_names() {
    for (const auto& command : kCommands) {
        if (command.linked == Linked::sbin) std::puts(std::string(command.name).c_str());
    }
    return 0;
}

int unknown(std::string_view name) {
    std::vector<std::string_view> names;
    for (const auto& command : kCommands) names.push_back(command.name);
    const auto near = nearest(name, names);
    const auto hint = near ? std::format("did you mean \"{}\"?", *near) : std::string("\"diatom --help\" lists them");
    std::fputs(std::format("diatom: no such command: {}; {}\n", name, hint).c_str(), stderr);
    return 2;
}

}  // namespace

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
    const auto* it = std::ranges::find(kCommands, name, &Command::name);
    return it == kCommands.end() ? nullptr : it;
}

int dispatch(int argc, char** argv) {
    const std::span<char*> args(argv, static_cast<std::size_t>(argc));
    // A shell's name begins with a hyphen where it is a log in.
    auto name = argc > 0 ? base_name(args[0]) : std::string_view();
    if (name.starts_with('-')) name.remove_prefix(1);
    if (const auto* command = find_command(name)) return command->run(args);
    const std::string_view first = argc > 1 ? args[1] : "";
    if (const auto* command = find_command(first)) return command->run(args.subspan(1));
    // The kernel started us under a name of its own choice (init=…).
    if (getpid() == 1) return run_init(args);
    if (first == "--names") return print_names();
    if (first == "--version" || first == "-v") return version_command(args.subspan(1));
    if (first == "--help" || first == "-h" || first == "help") return print_help();
    if (first.empty()) {
        print_help();
        return 2;
    }
    return unknown(first);
}

int exit_code(Kind kind) noexcept {
    switch (kind) {
        case Kind::invalid: return 2;
        case Kind::not_found: return 3;
        case Kind::denied:
        case Kind::unauthorized: return 4;
        case Kind::unavailable:
        case Kind::timed_out: return 5;
        case Kind::unsupported: return 6;
        default: return 1;
    }
}

int report(std::string_view name, const Error& error) {
    std::fputs(std::format("diatom {}: {}\n", name, error.what()).c_str(), stderr);
    return exit_code(error.kind());
}

int version_command(std::span<char*>) {
    std::puts(std::format("diatom {}", config::version()).c_str());
    return 0;
}

}  // namespace diatom::cli
