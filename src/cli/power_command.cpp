#include <array>
#include <cstdio>
#include <string>

#include "cli/command.h"
#include "proc/supervisor.h"

namespace diatom::cli {
namespace {

struct Name {
    std::string_view name;
    proc::Power how;
};
constexpr std::array<Name, 3> kNames{
    {{"poweroff", proc::Power::off}, {"reboot", proc::Power::reboot}, {"halt", proc::Power::halt}}};

Result<void> run(std::span<char*> args, std::string_view name) {
    proc::Power how = proc::Power::off;
    for (const auto& known : kNames) {
        if (known.name == name) how = known.how;
    }
    for (const std::string_view arg : args.subspan(1)) {
        if (name == "reboot" && arg == "--kexec") {
            how = proc::Power::kexec;
        } else if (arg == "--help" || arg == "-h") {
            std::puts(std::format("usage: {}{}\n\nStops every container, unmounts the state and ends the machine.",
                                  name, name == "reboot" ? " [--kexec]" : "")
                          .c_str());
            return {};
        } else if (arg != "-f" && arg != "-p" &&
                   arg != "now") {  // what scripts of other systems pass; all mean the same here
            return fail(Kind::invalid, "unknown argument {}", arg);
        }
    }
    return proc::Supervisor().power(how);
}

}  // namespace

int power_command(std::span<char*> args) {
    const auto name = base_name(args[0]);
    auto done = run(args, name);
    return done ? 0 : report(name, done.error());
}

}  // namespace diatom::cli
