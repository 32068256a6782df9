// Commands of the boot.
#include <format>

#include "configure/apply.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr int kPatienceMs = 30 * 60 * 1000;  // cloud-init has none; a boot that waits for ever helps nobody
constexpr const char* kRun = "commands-run";

void add_commands(const Value& machine, std::string_view list, Plan& plan) {
    const auto environment = command_environment(machine);
    const auto& commands = machine.at("commands").at(list);
    for (std::size_t i = 0; commands.is_list() && i < commands.items().size(); ++i) {
        const auto words = command_words(commands.items()[i]);
        plan.steps.push_back({std::format("commands.{}[{}]", list, i), "run the command",
                              [=] { return run_command(words, environment); }});
    }
}

}  // namespace

std::vector<std::string> command_words(const Value& command) {
    if (command.is_text()) return {"/bin/sh", "-c", command.text()};
    std::vector<std::string> words;
    for (const auto& word : command.items()) words.push_back(word.scalar_text());
    return words;
}

std::vector<std::string> command_environment(const Value& machine) {
    std::vector<std::string> environment{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin", "HOME=/root"};
    for (const auto& [name, value] : machine.at("environment").members())
        environment.push_back(name + "=" + value.scalar_text());
    return environment;
}

Result<void> run_command(std::vector<std::string> words, std::vector<std::string> environment) {
    if (words.empty()) return {};
    proc::SpawnRequest request;
    // Found as a shell finds it: env(1) looks along PATH.
    request.path = words.front().contains('/') ? words.front() : "/usr/bin/env";
    if (!words.front().contains('/')) words.insert(words.begin(), "env");
    request.argv = std::move(words);
    request.env = std::move(environment);
    const auto output = TRY(proc::run(std::move(request), kPatienceMs));
    if (output.status == sys::ExitStatus{}) return {};
    return fail(Kind::io, "it ended with {}{}{}", output.status.shell_code(),
                output.out.empty() ? "" : ", its last words: ", output.out);
}

void plan_commands(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    if (phase == Phase::boot) add_commands(machine, "boot", plan);
    if (phase != Phase::late || !machine.at("commands").has("run") || was_done(root, kRun)) return;
    add_commands(machine, "run", plan);
    plan.steps.push_back(remember_done(root, "commands.run", kRun));
}

}  // namespace diatom::configure
