#include "configure/apply.h"

#include <array>
#include <format>

#include "sys/file.h"

namespace diatom::configure {
namespace {

// Keys of the table that nothing here makes true yet.
constexpr std::array<std::string_view, 10> kNotBuilt{"mounts", "swap",    "disks",    "filesystems", "kernel_arguments",
                                                     "time",   "network", "services", "logs",        "power"};

// The service `configure` starts where this file is.
constexpr const char* kLate = "/run/diatom/config/late";

void plan_late(const Value& machine, const Root& root, Plan& plan) {
    Plan late;
    plan_files(machine, Phase::late, root, late);
    plan_commands(machine, Phase::late, root, late);
    if (late.steps.empty()) return;
    plan.steps.push_back({"commands.run", "have the rest done when the user engine is up", [=]() -> Result<void> {
                              TRY(sys::make_dirs(root.at("/run/diatom/config"), 0700));
                              return sys::write_file(root.at(kLate), "");
                          }});
}

}  // namespace

Plan plan(const Value& machine, Phase phase, const Root& root) {
    Plan plan;
    if (phase != Phase::late) {
        for (const auto key : kNotBuilt) {
            if (const auto* said = machine.find(key)) {
                plan.warnings.push_back(
                    said->error(key, "is not applied by this version", Kind::unsupported).error().what());
            }
        }
        plan_host_name(machine, root, plan);
        plan_sysctls(machine, root, plan);
        plan_accounts(machine, root, plan);
        plan_ssh(machine, root, plan);
        plan_certificates(machine, root, plan);
        plan_engine(machine, root, plan);
    }
    plan_files(machine, phase, root, plan);
    plan_commands(machine, phase, root, plan);
    if (phase == Phase::boot) plan_late(machine, root, plan);
    return plan;
}

Outcome carry_out(const Plan& plan) {
    Outcome outcome;
    for (const auto& step : plan.steps) {
        if (auto done = step.run()) ++outcome.done;
        else outcome.problems.push_back(std::format("{}: {}: {}", step.key, step.what, done.error().what()));
    }
    return outcome;
}

}  // namespace diatom::configure
