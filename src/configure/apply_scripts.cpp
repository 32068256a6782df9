// Scripts of user-data: boothooks before the engines at each boot; the others when the user engine is up, once in the
// life of the instance or of the machine, or at each boot.
#include <sys/stat.h>

#include <format>

#include "base/strings.h"
#include "cloud/user_data.h"
#include "configure/apply.h"
#include "configure/digest.h"
#include "configure/instance_store.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

using cloud::Part;

constexpr const char* kOnce = "/var/lib/diatom/config/scripts-done/";  // of the machine, whatever instance it is

// What it is asked to be run by.
std::string interpreter_of(std::string_view script) {
    if (!script.starts_with("#!")) return {};
    const auto line = script.substr(2, script.find('\n') - 2);
    const auto words = split_words(line);
    if (words.empty()) return {};
    const bool by_env = words[0].ends_with("/env") && words.size() > 1;
    return std::string(words[by_env ? 1 : 0]);
}

// busybox's shell does for most of what is written for bash, and where it does not, the script says so itself.
std::vector<std::string> words_for(const Part& script, const std::string& file, const Root& root, Plan& plan) {
    const auto interpreter = interpreter_of(script.content);
    if (interpreter.empty()) return {"/bin/sh", file};
    const auto name = interpreter.substr(interpreter.rfind('/') + 1);
    const bool there = interpreter.contains('/')
                           ? sys::exists(interpreter)
                           : sys::exists("/usr/bin/" + name) || sys::exists("/usr/local/bin/" + name);
    if (there || !root.is_machine()) return {file};
    if (name == "bash" || name == "dash" || name == "ksh") {
        plan.warnings.push_back(std::format("{}:{}: there is no {} here: /bin/sh runs {}", script.file,
                                            script.first_line, name, script.name));
        return {"/bin/sh", file};
    }
    return {file};
}

Result<void> write_script(const std::string& file, const std::string& content) {
    TRY(sys::make_dirs(file.substr(0, file.rfind('/')), 0700));
    if (sys::read_file(file).value_or("") == content) return {};
    return sys::write_file_atomic(file, content, 0700);
}

void add_script(const Value& machine, const Part& script, const Root& root, Plan& plan) {
    const InstanceStore store(root);
    const auto id = store.current();
    const auto file = std::format("{}/scripts/{}", store.directory(id), script.name);
    const auto words = words_for(script, file, root, plan);
    auto environment = command_environment(machine);
    environment.push_back("INSTANCE_ID=" + id);
    plan.steps.push_back({script.file, std::format("run the script {}", script.name), [=]() -> Result<void> {
                              TRY(write_script(file, script.content));
                              return run_command(words, environment);
                          }});
}

}  // namespace

void plan_scripts(const Value& machine, Phase phase, const Root& root, const std::vector<Part>& scripts, Plan& plan) {
    bool once = false;
    for (const auto& script : scripts) {
        using Kind = Part::Kind;
        if ((script.kind == Kind::boothook) != (phase == Phase::boot)) continue;
        if (script.kind == Kind::script) {
            if (was_done(root, "scripts-run")) continue;
            once = true;
        }
        const auto mark = root.at(kOnce + sha256_hex(script.content).substr(0, 32));
        if (script.kind == Kind::script_once && sys::exists(mark)) continue;
        add_script(machine, script, root, plan);
        if (script.kind != Kind::script_once) continue;
        plan.steps.push_back({script.file, "remember that it was run", [=]() -> Result<void> {
                                  TRY(sys::make_dirs(mark.substr(0, mark.rfind('/')), 0700));
                                  return sys::write_file_atomic(mark, "");
                              }});
    }
    if (once) plan.steps.push_back(remember_done(root, "scripts", "scripts-run"));
}

}  // namespace diatom::configure
