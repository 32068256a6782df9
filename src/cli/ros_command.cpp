// `ros`: the commands of RancherOS, as names of what there is here. Source: RancherOS 1.5, cmd/control.
#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/command.h"
#include "cli/ros_config.h"
#include "config/version.h"

namespace diatom::cli {
namespace {

constexpr const char* kUsage =
    "usage: ros COMMAND [ARGUMENTS]\n\n"
    "  config     RancherOS's cloud-config.yml: get, set, export, merge, validate, images\n"
    "  service    system services: list, enable, disable, delete, up, create, start, stop, restart, logs, pull, rm, "
    "ps\n"
    "  console    the shell on the machine's terminals: list, switch, enable\n"
    "  engine     the engine of the user's containers: list, switch, enable, create, rm\n"
    "  tls        certificates of the engine's API: generate\n"
    "  os         version; list and upgrade: docs/MIGRATING.md\n"
    "  --version  the version";

using Run = std::function<Result<int>(std::span<char*>)>;

// The same command under our own name, args[0] included.
Run as(std::string name) {
    return [name](std::span<char*> args) -> Result<int> {
        const auto* command = find_command(name);
        return command == nullptr ? 2 : command->run(args);
    };
}

Run refused(std::string why) {
    return [why](std::span<char*> args) -> Result<int> { return fail(Kind::unsupported, "{}: {}", args[0], why); };
}

Result<int> version(std::span<char*>) {
    std::puts(std::format("version {} from os image diatom", config::version()).c_str());
    return 0;
}

Result<int> run_os(std::span<char*> args) {
    const std::string_view what = args.size() > 1 ? args[1] : "";
    if (what == "version") return version(args);
    if (what == "list" || what == "upgrade")
        return fail(Kind::unsupported,
                    "os {}: this version does not update itself yet: write the new diatom.efi beside the old one",
                    what);
    return fail(Kind::invalid, "usage: ros os list|version|upgrade");
}

const std::vector<std::pair<std::string, Run>>& commands_of_ros() {
    static const std::vector<std::pair<std::string, Run>> kCommands{
        {"config", ros_config},
        {"c", ros_config},
        {"service", as("service")},
        {"s", as("service")},
        {"console", as("console")},
        {"engine", as("engine")},
        {"tls", as("tls")},
        {"os", run_os},
        {"--version", version},
        {"-v", version},
        {"install", refused("this version does not install itself yet: write build/image/diatom.raw to the disk")},
        {"selinux", refused("there is no SELinux here: containers are kept apart by namespaces, seccomp, capabilities "
                            "and AppArmor")},
    };
    return kCommands;
}

Result<int> run(std::span<char*> args) {
    const std::string_view name = args.size() > 1 ? args[1] : "--help";
    if (name == "--help" || name == "-h" || name == "help") {
        std::puts(kUsage);
        return args.size() > 1 ? 0 : 2;
    }
    for (const auto& [known, act] : commands_of_ros()) {
        if (known == name) return act(args.subspan(1));
    }
    std::vector<std::string_view> names;
    for (const auto& [known, act] : commands_of_ros()) names.push_back(known);
    const auto near = nearest(name, names);
    return fail(Kind::invalid, "no such command: {}; {}", name,
                near ? std::format("did you mean \"{}\"?", *near) : std::string("\"ros --help\" lists them"));
}

}  // namespace

int ros_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("ros", code.error());
}

}  // namespace diatom::cli
