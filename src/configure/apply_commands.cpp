// Commands of the boot.
#include <format>

#include "configure/apply.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr int kPatienceMs = 30 * 60 * 1000;  // cloud-init has none; a boot that waits for ever helps nobody
constexpr const char *kInstance = "/run/diatom/instance-id", *kDone = "/var/lib/diatom/instances/";

std::vector<std::string> words_of(const Value& command) {
    if (command.is_text()) return {"/bin/sh", "-c", command.text()};
    std::vector<std::string> words;
    for (const auto& word : command.items()) words.push_back(word.scalar_text());
    return words;
}

Result<void> run_command(std::vector<std::string> words, std::vector<std::string> environment) {
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

std::vector<std::string> environment_of(const Value& machine) {
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"};
    for (const auto& [name, value] : machine.at("environment").members())
        environment.push_back(name + "=" + value.scalar_text());
    return environment;
}

void add_commands(const Value& machine, std::string_view list, Plan& plan) {
    const auto environment = environment_of(machine);
    const auto& commands = machine.at("commands").at(list);
    for (std::size_t i = 0; commands.is_list() && i < commands.items().size(); ++i) {
        const auto words = words_of(commands.items()[i]);
        plan.steps.push_back({std::format("commands.{}[{}]", list, i), "run the command",
                              [=] { return run_command(words, environment); }});
    }
}

// Where it stands that an instance has had its first boot.
std::string mark_of(const Root& root) {
    const auto id = sys::read_file(root.at(kInstance), 256).value_or("");
    return root.at(kDone) + (id.empty() || id.contains('/') ? "none" : id) + "/commands-run";
}

}  // namespace

void plan_commands(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    if (phase == Phase::boot) add_commands(machine, "boot", plan);
    if (phase != Phase::late || !machine.at("commands").has("run")) return;
    const auto mark = mark_of(root);
    if (sys::exists(mark)) return;
    add_commands(machine, "run", plan);
    // Last: commands that a power cut ended are run again.
    plan.steps.push_back({"commands.run", "remember that they were run", [=]() -> Result<void> {
                              TRY(sys::make_dirs(mark.substr(0, mark.rfind('/'))));
                              return sys::write_file_atomic(mark, "");
                          }});
}

}  // namespace diatom::configure
