// What is kept of what the machine says, and who else is told: handed to the service `log`, which takes it up at once.
#include "base/strings.h"
#include "configure/apply.h"
#include "journal/settings.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::configure {

void plan_logs(const Value& machine, const Root& root, Plan& plan) {
    const auto& logs = machine.at("logs");
    journal::Settings settings;
    settings.level = journal::parse_priority(logs.text_of("level"));
    if (const auto size = logs.text_of("max_size"); !size.empty()) settings.max_bytes = parse_bytes(size);
    if (const auto age = logs.text_of("max_age"); !age.empty())
        settings.max_age_ns = sys::parse_duration(age).value_or(0);
    settings.forward = logs.texts_of("forward");
    const auto file = root.at(std::string(journal::kSettingsDirectory) + "/" + journal::kSettingsName);
    // What the service has is taken back where nothing is said any more.
    if (settings == journal::Settings{} && !sys::exists(file)) return;
    plan.steps.push_back({"logs", "tell the machine's log what to keep and whom to tell", [=]() -> Result<void> {
                              TRY(sys::make_dirs(root.at(journal::kSettingsDirectory), 0700));
                              return sys::replace_file(file, settings.encode(), 0600);
                          }});
}

}  // namespace diatom::configure
