#include "configure/apply.h"

#include <sys/mount.h>

#include <array>
#include <format>

#include "cloud/user_data.h"
#include "configure/instance_store.h"
#include "configure/kernel_arguments.h"
#include "configure/network.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::configure {
namespace {

// The service `configure` starts where this file is.

// What is kept of a place, and where.
constexpr std::array<std::pair<const char*, const char*>, 5> kPlaces{{
    {"/home", "/var/lib/diatom/home"},
    {"/mnt", "/var/lib/diatom/mnt"},
    {"/opt", "/var/lib/diatom/opt"},
    {"/srv", "/var/lib/diatom/srv"},
    {"/usr/local", "/var/lib/diatom/local"},
}};

void plan_late(const Value& machine, const Root& root, const Beside& beside, Plan& plan) {
    Plan late;
    plan_files(machine, Phase::late, root, beside.fetching, late);
    plan_commands(machine, Phase::late, root, late);
    if (beside.scripts != nullptr) plan_scripts(machine, Phase::late, root, *beside.scripts, late);
    plan_end(machine, root, beside.platform, late);
    if (late.steps.empty()) return;
    plan.steps.push_back({"commands.run", "have the rest done when the user engine is up", [=]() -> Result<void> {
                              TRY(sys::make_dirs(root.at("/run/diatom/config"), 0700));
                              return sys::write_file(root.at(kLate), "");
                          }});
}

// In this order: disks are there before what lies on them, users before who owns files.
void plan_machine(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    plan_host_name(machine, root, plan);
    plan_sysctls(machine, root, plan);
    plan_disks(machine, phase, root, plan);
    plan_mounts(machine, phase, root, plan);
    plan_swap(machine, root, plan);
    plan_accounts(machine, root, plan);
    plan_ssh(machine, root, plan);
    plan_certificates(machine, root, plan);
    plan_engine(machine, root, plan);
    plan_network(machine, phase, root, plan);
    plan_time(machine, root, plan);
    plan_console(machine, root, plan);
    plan_watchdog(machine, phase, root, plan);
    plan_logs(machine, root, plan);
    plan_kernel_arguments(machine, root, plan);
    plan_services(machine, root, plan);
}

}  // namespace

Plan plan(const Value& machine, Phase phase, const Root& root, const Beside& beside) {
    Plan plan;
    if (phase != Phase::late) {
        plan.refused = not_applied(machine);
        if (phase == Phase::boot) plan_places(root, plan);
        plan_machine(machine, phase, root, plan);
    }
    plan_files(machine, phase, root, beside.fetching, plan);
    if (beside.scripts != nullptr && phase == Phase::boot) plan_scripts(machine, phase, root, *beside.scripts, plan);
    plan_commands(machine, phase, root, plan);
    if (phase == Phase::boot) plan_late(machine, root, beside, plan);
    if (phase != Phase::late) return plan;
    if (beside.scripts != nullptr) plan_scripts(machine, phase, root, *beside.scripts, plan);
    plan_end(machine, root, beside.platform, plan);
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

bool was_done(const Root& root, std::string_view name) { return InstanceStore(root).was_done(name); }

Step remember_done(const Root& root, std::string key, std::string name) {
    return {std::move(key), "remember that it was done",
            [=, name = std::move(name)] { return InstanceStore(root).set_done(name); }};
}

void plan_places(const Root& root, Plan& plan) {
    if (!root.is_machine()) return;
    for (const auto& [place, kept] : kPlaces) {
        if (sys::is_mount_point(place)) continue;
        plan.steps.push_back({place, std::format("keep it in {}", kept), [=]() -> Result<void> {
                                  TRY(sys::make_dirs(kept, 0755));
                                  const bool home = std::string_view(place) == "/home";
                                  const auto flags = home ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV : MOUNT_ATTR_NODEV;
                                  return sys::bind_mount(kept, place, false, flags);
                              }});
    }
}

}  // namespace diatom::configure
