#include "ignition/service_unit.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"
#include "ignition/calendar.h"
#include "ignition/service_script.h"
#include "ignition/unit_words.h"

namespace diatom::ignition {
namespace {

class ServiceTranslator {
public:
    ServiceTranslator(const UnitFile& unit, const UnitName& name, const Voice& voice)
        : unit_(unit), name_(name), voice_(voice) {}

    Service translate() {
        service_.definition = Value::map();
        take_type();
        take_commands();
        take_conditions();
        take_environment();
        set_surroundings();
        take_user();
        take_restart();
        take_stop();
        take_scalars();
        set_command();
        for (auto& relation : relations_of(unit_, name_, voice_)) service_.relations.push_back(std::move(relation));
        return std::move(service_);
    }

private:
    const Setting* last(std::string_view name) const { return unit_.last("Service", name); }

    std::optional<std::string> expanded(const Setting& setting) {
        auto text = expand_specifiers(setting.value, name_);
        if (text) return std::move(*text);
        voice_.problem(setting, text.error().what());
        return std::nullopt;
    }

    void take_type() {
        const auto* setting = last("Type");
        const auto type = setting == nullptr ? std::string("simple") : setting->value;
        plan_.oneshot = type == "oneshot";
        service_.ends = plan_.oneshot;
        if (const auto* remains = last("RemainAfterExit")) plan_.remains = unit_boolean(remains->value).value_or(false);
        if (type == "simple" || type == "exec" || type == "idle" || type == "oneshot") return;
        if (type == "notify" || type == "notify-reload") {
            voice_.warning(*setting,
                           "nobody waits for its notification: what comes after it starts when its process runs");
        } else if (type == "forking") {
            voice_.problem(*setting,
                           "forking: a system container ends with its first process: let it run in the foreground");
        } else if (type == "dbus") {
            voice_.problem(*setting, "dbus: there is no D-Bus");
        } else {
            voice_.problem(*setting, "must be simple, exec, oneshot or notify");
        }
    }

    std::vector<ExecLine> commands(std::string_view directive) {
        std::vector<ExecLine> lines;
        for (const auto* setting : unit_.all("Service", directive)) {
            const auto text = expanded(*setting);
            if (!text) continue;
            auto parsed = parse_exec(*text);
            if (!parsed) {
                voice_.problem(*setting, parsed.error().what());
                continue;
            }
            for (auto& line : *parsed) {
                take_engine(*setting, line);
                if (line.privileged && last("User") != nullptr) {
                    voice_.problem(*setting, "'+' and '!': every command of a system container runs as its user");
                }
                lines.push_back(std::move(line));
            }
        }
        return lines;
    }

    // A client of the engine of the user's containers, whichever it was written for.
    void take_engine(const Setting& setting, ExecLine& line) {
        const auto program = line.program();
        if (program != "docker" && program != "podman") return;
        if (program == "podman") {
            line.words.front() = {.pieces = {{false, "/usr/bin/docker"}}};
            voice_.warning(setting, "podman: docker asks the user engine instead, which knows no pods and no quadlets");
        }
        service_.relations.push_back({Bond::needs, "docker.service", &setting});
    }

    void take_commands() {
        plan_.conditions = commands("ExecCondition");
        plan_.before = commands("ExecStartPre");
        plan_.main = commands("ExecStart");
        plan_.after = commands("ExecStartPost");
        plan_.stop = commands("ExecStop");
        plan_.cleanup = commands("ExecStopPost");
        const auto starts = unit_.all("Service", "ExecStart");
        if (starts.empty()) {
            voice_.problem({.section = "Service", .name = "ExecStart"}, "is missing: there is nothing to run");
        } else if (!plan_.oneshot && plan_.main.size() > 1) {
            voice_.problem(*starts.back(), "only a service of Type=oneshot has several");
        }
    }

    void take_conditions() {
        struct Test {
            std::string_view directive, operation;
        };
        static constexpr std::array kTests{
            Test{"ConditionPathExists", "-e"},         Test{"ConditionPathIsDirectory", "-d"},
            Test{"ConditionPathIsSymbolicLink", "-L"}, Test{"ConditionPathIsReadWrite", "-w"},
            Test{"ConditionFileNotEmpty", "-s"},       Test{"ConditionFileIsExecutable", "-x"},
        };
        for (const auto& test : kTests) {
            for (const auto* setting : unit_.all("Unit", test.directive)) {
                auto path = expanded(*setting);
                if (!path) continue;
                const bool negated = path->starts_with('!');
                if (path->starts_with('|')) {
                    voice_.problem(*setting, "'|': all conditions have to hold here, not one of them");
                    continue;
                }
                plan_.tests.push_back(std::format("[ {}{} {} ]", negated ? "! " : "", test.operation,
                                                  shell_quote(std::string_view(*path).substr(negated ? 1 : 0))));
            }
        }
    }

    void take_environment() {
        auto environment = Value::map();
        environment.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        for (const auto* setting : unit_.all("Service", "Environment")) {
            const auto text = expanded(*setting);
            const auto words = text ? split_quoted(*text) : Result<std::vector<std::string>>();
            if (!words) voice_.problem(*setting, words.error().what());
            for (const auto& word : words ? *words : std::vector<std::string>()) {
                const auto halves = cut(word, '=');
                if (halves && !halves->first.empty()) environment.set(halves->first, halves->second);
                else voice_.problem(*setting, "must be NAME=value");
            }
        }
        service_.definition.set("environment", std::move(environment));
        for (const auto* setting : unit_.all("Service", "EnvironmentFile")) {
            auto path = expanded(*setting);
            if (!path) continue;
            const bool optional = path->starts_with('-');
            if (optional) path->erase(0, 1);
            if (!path->starts_with('/') || path->find_first_of("*?[") != std::string::npos) {
                voice_.problem(*setting, "must be the absolute path of one file");
            }
            plan_.files.push_back({std::move(*path), optional});
        }
    }

    void set_surroundings() {
        service_.definition.set("image", "diatom/host");
        service_.definition.set("privileged", Value::of(true));
        for (const auto* space : {"network_mode", "pid", "ipc", "uts", "cgroup"})
            service_.definition.set(space, "host");
    }

    void take_user() {
        auto user = std::string();
        if (const auto* setting = last("User")) user = expanded(*setting).value_or("");
        if (const auto* setting = last("Group")) {
            user = std::format("{}:{}", user.empty() ? "root" : user, expanded(*setting).value_or(""));
        }
        if (!user.empty()) service_.definition.set("user", user);
        const auto* setting = last("WorkingDirectory");
        auto directory = setting == nullptr ? std::nullopt : expanded(*setting);
        if (!directory) return;
        if (directory->starts_with('-')) directory->erase(0, 1);
        if (directory->starts_with('/')) service_.definition.set("working_dir", *directory);
        else voice_.problem(*setting, "must be an absolute path");
    }

    void take_restart() {
        const auto* setting = last("Restart");
        const auto text = setting == nullptr ? std::string("no") : setting->value;
        if (text == "no" || text == "always") service_.definition.set("restart", text);
        else if (text == "on-failure" || text == "on-abnormal" || text == "on-abort" || text == "on-watchdog")
            service_.definition.set("restart", "on-failure");
        else if (text == "on-success")
            voice_.problem(*setting, "on-success: a service starts again always, or after failures");
        else voice_.problem(*setting, "must be no, always or on-failure");
    }

    void take_stop() {
        if (const auto* setting = last("KillSignal")) {
            auto signal = setting->value;
            if (signal.starts_with("SIG")) signal.erase(0, 3);
            const bool named = !signal.empty() && std::ranges::all_of(signal, [](char c) {
                return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
            });
            if (named) plan_.signal = signal;
            else voice_.problem(*setting, "must be a signal such as SIGTERM");
            // What a shell starts in the background ignores both (POSIX, 2.11).
            if (plan_.stays() && (signal == "INT" || signal == "QUIT")) {
                voice_.problem(*setting, "SIGINT and SIGQUIT do not reach a program that other commands follow");
            }
            if (named && !plan_.stays()) service_.definition.set("stop_signal", "SIG" + signal);
        }
        for (const auto* name : {"TimeoutSec", "TimeoutStopSec"}) {
            const auto* setting = last(name);
            if (setting == nullptr) continue;
            const auto seconds = parse_time_span(setting->value);
            if (!seconds) voice_.problem(*setting, "must be a time such as 90 or 1min 30s");
            constexpr std::int64_t kForever = 86400;  // nothing waits longer while a machine goes down
            if (seconds) {
                service_.definition.set("stop_grace_period",
                                        std::format("{}s", *seconds == 0 ? kForever : std::min(*seconds, kForever)));
            }
        }
        const auto* mode = last("KillMode");
        if (mode == nullptr || mode->value == "control-group" || mode->value == "mixed") return;
        voice_.warning(*mode, "all processes of a system container end with it");
    }

    void take_scalars() {
        struct Number {
            std::string_view directive, key;
            std::int64_t least, most;
        };
        static constexpr std::array kNumbers{Number{"OOMScoreAdjust", "oom_score_adj", -1000, 1000},
                                             Number{"CPUShares", "cpu_shares", 2, 262144}};
        for (const auto& [directive, key, least, most] : kNumbers) {
            const auto* setting = last(directive);
            if (setting == nullptr) continue;
            const auto number = parse_int(setting->value);
            if (number && *number >= least && *number <= most) service_.definition.set(key, Value::of(*number));
            else voice_.problem(*setting, std::format("must be a number from {} to {}", least, most));
        }
        for (const auto* name : {"StandardOutput", "StandardError"}) {
            static constexpr std::array<std::string_view, 6> kLogged{"journal", "journal+console", "syslog", "inherit",
                                                                     "kmsg",    "kmsg+console"};
            const auto* setting = last(name);
            if (setting == nullptr || std::ranges::contains(kLogged, setting->value)) continue;
            voice_.warning(*setting, "what a system container says is kept in the machine's logs, and nowhere else");
        }
        if (const auto* tasks = last("TasksMax"); tasks != nullptr && tasks->value != "infinity") {
            voice_.problem(*tasks, "limits are not set for system containers");
        }
    }

    void set_command() {
        auto labels = Value::map();
        labels.set("io.rancher.os.scope", "system");
        service_.ends = plan_.oneshot && !plan_.stays();
        if (service_.ends) labels.set("io.rancher.os.detach", "false");
        service_.definition.set("labels", std::move(labels));
        if (plan_.main.empty()) return;
        auto command =
            plan_.is_plain() ? plan_.main[0].arguments() : std::vector<std::string>{"/bin/sh", "-c", plan_.script()};
        service_.definition.set("command", Value::of(command));
    }

    const UnitFile& unit_;
    const UnitName& name_;
    const Voice& voice_;
    ServicePlan plan_;
    Service service_;
};

}  // namespace

bool refuse_directives(const UnitFile& unit, std::string_view type, const Voice& voice) {
    bool fine = true;
    for (const auto& setting : unit.settings) {
        const bool of_type =
            setting.section == "Unit" || setting.section == "Install" || to_lower(setting.section) == type;
        const auto directive = find_directive(setting.section, setting.name);
        if (setting.value.empty() || (of_type && directive.handling != Handling::refused)) continue;
        if (directive.handling == Handling::needless && setting.section.starts_with("X-")) continue;
        voice.problem(setting, of_type ? directive.reason : "is of a section that units of this type do not have");
        fine = false;
    }
    return fine;
}

std::vector<Relation> relations_of(const UnitFile& unit, const UnitName& name, const Voice& voice) {
    struct Meaning {
        std::string_view directive;
        Bond bond;
    };
    static constexpr std::array kMeanings{
        Meaning{"After", Bond::after},    Meaning{"Before", Bond::before}, Meaning{"Wants", Bond::wants},
        Meaning{"Requires", Bond::needs}, Meaning{"BindsTo", Bond::needs}, Meaning{"Requisite", Bond::needs},
    };
    std::vector<Relation> relations;
    for (const auto& [directive, bond] : kMeanings) {
        for (const auto* setting : unit.all("Unit", directive)) {
            for (const auto word : split_words(setting->value)) {
                auto other = expand_specifiers(word, name);
                if (other) relations.push_back({bond, std::move(*other), setting});
                else voice.problem(*setting, other.error().what());
            }
        }
    }
    for (const auto* setting : unit.all("Unit", "Conflicts")) {
        const auto others = split_words(setting->value);
        const bool at_end = std::ranges::all_of(others, [](std::string_view other) {
            const auto known = machine_service(other);
            return known && known->empty();
        });
        if (!at_end) voice.problem(*setting, "services do not stop each other");
    }
    return relations;
}

Service translate_service(const UnitFile& unit, const UnitName& name, const Voice& voice) {
    return ServiceTranslator(unit, name, voice).translate();
}

}  // namespace diatom::ignition
