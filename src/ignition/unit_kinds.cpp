// Timers, mounts, swap.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ignition/calendar.h"
#include "ignition/units.h"

namespace diatom::ignition {
namespace {

std::string value_of(const DeclaredUnit& unit, std::string_view section, std::string_view name, const Voice& voice) {
    const auto* setting = unit.file.last(section, name);
    if (setting == nullptr) return {};
    auto text = expand_specifiers(setting->value, unit.name);
    if (!text) voice.problem(*setting, text.error().what());
    return text.value_or("");
}

Value marked(Value value, const Value& from) {
    value.set_mark(from.mark());
    return value;
}

}  // namespace

std::string_view refusal_of_type(std::string_view type) {
    struct Refusal {
        std::string_view type, reason;
    };
    static constexpr std::array kRefusals{
        Refusal{"socket", "services are not started by sockets: enable the service itself"},
        Refusal{"path", "services are not started by changes of files"},
        Refusal{"target", "services wait for each other here, not for targets: let them name each other"},
        Refusal{"device", "devices are udev's affair"},
        Refusal{"slice", "services have control groups of their own"},
        Refusal{"scope", "processes that systemd did not start are none of its units here"},
        Refusal{"snapshot", "there is no state of systemd to return to"},
    };
    const auto found = std::ranges::find(kRefusals, type, &Refusal::type);
    return found == kRefusals.end() ? std::string_view() : found->reason;
}

void translate_mount(const DeclaredUnit& unit, Value& machine, Report& report) {
    const auto voice = unit.voice(report);
    if (!refuse_directives(unit.file, "mount", voice)) return;
    const auto what = value_of(unit, "Mount", "What", voice);
    const auto where = value_of(unit, "Mount", "Where", voice);
    if (what.empty()) return voice.problem({.section = "Mount", .name = "What"}, "is missing");
    if (where.empty() || escape_path(where) != unit.name.stem) {
        return voice.problem({.section = "Mount", .name = "Where"},
                             std::format("must be {}, after the unit's name", unescape_path(unit.name.stem)));
    }
    auto mount = Value::map();
    mount.set("source", what);
    mount.set("target", where);
    if (const auto type = value_of(unit, "Mount", "Type", voice); !type.empty() && type != "auto")
        mount.set("type", type);
    auto options = Value::list();
    const auto listed = value_of(unit, "Mount", "Options", voice);
    for (const auto option : split(listed, ',')) {
        if (!trim(option).empty()) options.add(Value::of(trim(option)));
    }
    if (!options.items().empty()) mount.set("options", std::move(options));
    if (!machine.has("mounts")) machine.set("mounts", marked(Value::list(), *unit.entry));
    auto& mounts = machine.find("mounts")->items();
    // A file system of storage.filesystems that is mounted there: the unit says more.
    std::erase_if(mounts, [&](const Value& other) { return other.text_of("target") == where; });
    mounts.push_back(marked(std::move(mount), *unit.entry));
}

void translate_swap(const DeclaredUnit& unit, Value& machine, Report& report) {
    const auto voice = unit.voice(report);
    if (!refuse_directives(unit.file, "swap", voice)) return;
    const auto what = value_of(unit, "Swap", "What", voice);
    if (what.empty()) return voice.problem({.section = "Swap", .name = "What"}, "is missing");
    const bool device = what.starts_with("/dev/") || what.contains('=');
    if (machine.has("swap") && machine.at("swap").text_of("device") != what) {
        return voice.problem({.section = "Swap", .name = "What"}, "there is one place to swap to, and it is another");
    }
    auto swap = Value::map();
    swap.set(device ? "device" : "file", what);
    machine.set("swap", marked(std::move(swap), *unit.entry));
}

std::optional<std::string> translate_timer(const DeclaredUnit& unit, Report& report) {
    const auto voice = unit.voice(report);
    if (!refuse_directives(unit.file, "timer", voice)) return std::nullopt;
    std::vector<std::string> schedules;
    bool fine = true;
    for (const auto* setting : unit.file.all("Timer", "OnCalendar")) {
        auto cron = calendar_to_cron(setting->value);
        fine &= cron.has_value();
        if (cron) schedules.push_back(std::move(*cron));
        else voice.problem(*setting, cron.error().what());
    }
    for (const auto* name : {"OnUnitActiveSec", "OnUnitInactiveSec"}) {
        const auto* setting = unit.file.last("Timer", name);
        if (setting == nullptr) continue;
        const auto seconds = parse_time_span(setting->value);
        const bool usable = seconds && *seconds > 0 && *seconds != INT64_MAX;
        fine &= usable;
        if (usable) schedules.push_back(std::format("@every {}s", *seconds));
        else voice.problem(*setting, "must be a time of at least a second, such as 15min");
    }
    for (const auto* name : {"OnBootSec", "OnStartupSec", "OnActiveSec"}) {
        const auto* setting = unit.file.last("Timer", name);
        if (setting == nullptr || !fine) continue;
        fine = !schedules.empty();
        if (fine) voice.warning(*setting, "the first run comes with the schedule");
        else
            voice.problem(*setting,
                          "one run after the start is no schedule: enable the service, with ExecStartPre=sleep");
    }
    if (const auto* setting = unit.file.last("Timer", "Persistent");
        setting != nullptr && unit_boolean(setting->value).value_or(false)) {
        voice.warning(*setting, "runs that were missed while the machine was off are not made up for");
    }
    if (!fine) return std::nullopt;
    if (schedules.size() == 1) return schedules.front();
    voice.problem({.section = "Timer", .name = "OnCalendar"},
                  schedules.empty() ? "is missing: it says when" : "a service has one schedule, not several");
    return std::nullopt;
}

}  // namespace diatom::ignition
