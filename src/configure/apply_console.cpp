// What the console and PID 1 are told: /run/diatom/console/options, /run/diatom/watchdog.
#include "config/boot_config.h"
#include "config/services.h"
#include "configure/apply.h"
#include "sys/file.h"

namespace diatom::configure {

void plan_console(const Value& machine, const Root& root, Plan& plan) {
    const bool autologin = machine.at("console").boolean_of("autologin");
    const auto file = root.at(config::kConsoleOptions);
    if (!autologin && !sys::exists(file)) return;
    plan.steps.push_back({"console", "say who may use the terminals", [=]() -> Result<void> {
                              if (!autologin) return sys::remove_file(file);
                              TRY(sys::make_dirs(file.substr(0, file.rfind('/'))));
                              return sys::write_file(file, "autologin\n");
                          }});
}

// PID 1 reads it when the configuration of a boot is done; what the kernel command line says goes before it.
void plan_watchdog(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    if (phase != Phase::boot || !machine.has("watchdog")) return;
    const auto file = root.at(config::kWatchdogSeconds);
    const auto seconds = std::to_string(machine.integer_of("watchdog"));
    plan.steps.push_back({"watchdog", "say how long the watchdog waits", [=]() -> Result<void> {
                              TRY(sys::make_dirs(file.substr(0, file.rfind('/'))));
                              return sys::write_file(file, seconds);
                          }});
}

}  // namespace diatom::configure
