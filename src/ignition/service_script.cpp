#include "ignition/service_script.h"

namespace diatom::ignition {
namespace {

// Lines of NAME=VALUE with comments, and values in quotes: systemd.exec(5) of EnvironmentFile. A shell that sourced it
// would run what stands after the first blank.
constexpr std::string_view kReadEnvironment = R"(environment() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '' | '#'* | ';'*) continue ;;
        *=*) ;;
        *) continue ;;
        esac
        case ${line%%=*} in
        '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;;
        esac
        value=${line#*=}
        case $value in
        '"'*'"' | "'"*"'") value=${value#?} value=${value%?} ;;
        esac
        export "${line%%=*}=$value"
    done <"$1"
}
)";

void add(std::string& script, const ExecLine& line) {
    script += line.shell();
    script += line.failure_counts ? "\n" : " || true\n";
}

void add_all(std::string& script, const std::vector<ExecLine>& lines) {
    for (const auto& line : lines) add(script, line);
}

void add_stop(std::string& script, const ServicePlan& plan) {
    script += "stop() {\n    trap '' TERM\n";
    for (const auto& line : plan.stop) script += "    " + line.shell() + " || true\n";
    script += std::format("    kill -{} \"$MAINPID\" 2>/dev/null || true\n}}\ntrap stop TERM\n", plan.signal);
}

}  // namespace

bool ServicePlan::is_plain() const {
    return tests.empty() && files.empty() && conditions.empty() && before.empty() && after.empty() && stop.empty() &&
           cleanup.empty() && main.size() == 1 && main[0].failure_counts && !main[0].has_variables() &&
           main[0].words[0].plain().starts_with('/');
}

bool ServicePlan::stays() const {
    const bool ends_with_commands = !stop.empty() || !cleanup.empty();
    return oneshot ? remains && ends_with_commands : ends_with_commands || !after.empty();
}

std::string ServicePlan::script() const {
    // No patterns: systemd knows none.
    std::string script = "set -ef\n";
    for (const auto& test : tests) script += test + " || exit 0\n";
    if (!files.empty()) script += kReadEnvironment;
    for (const auto& file : files) {
        const auto path = shell_quote(file.path);
        if (file.optional) script += std::format("if [ -e {} ]; then environment {}; fi\n", path, path);
        else script += std::format("environment {}\n", path);
    }
    for (const auto& line : conditions) script += line.shell() + " || exit 0\n";
    add_all(script, before);
    if (oneshot) {
        for (const auto& line : main) add(script, line);
        add_all(script, after);
        if (!stays()) {
            add_all(script, stop);
            add_all(script, cleanup);
            return script;
        }
        script += "sleep 2147483647 &\n";
    } else if (!stays()) {
        const auto& line = main.front();
        return script + (line.failure_counts ? "exec " + line.shell() + "\n" : line.shell() + " || true\n");
    } else {
        script += main.front().shell() + " &\n";
    }
    script += "export MAINPID=$!\n";
    add_stop(script, *this);
    if (!oneshot) add_all(script, after);
    // A signal ends `wait` before the process ends.
    script +=
        "code=0\nwait \"$MAINPID\" || code=$?\n"
        "while kill -0 \"$MAINPID\" 2>/dev/null; do code=0; wait \"$MAINPID\" || code=$?; done\n";
    for (const auto& line : cleanup) script += line.shell() + " || true\n";
    return script + (main.front().failure_counts && !oneshot ? "exit \"$code\"\n" : "exit 0\n");
}

}  // namespace diatom::ignition
