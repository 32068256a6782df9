// systemd.units as services, mounts and swap of the machine. Thread side: any. Source: systemd.unit(5),
// systemd.timer(5), systemd.mount(5), systemd.swap(5) of version 257; src/ignition/service_unit.h says what a service
// runs in.
#pragma once

#include <optional>

#include "ignition/report.h"
#include "ignition/service_unit.h"

namespace diatom::ignition {

// Adds `services`, `mounts` and `swap` to a document of the machine.
void translate_units(const Value& config, Value& machine, Report& report);

// One unit of the configuration with its drop-ins.
struct DeclaredUnit {
    explicit DeclaredUnit(std::string_view full) : name(full) {}
    UnitName name;
    const Value* entry = nullptr;  // in systemd.units
    Path path;
    UnitFile file;
    bool enabled = false;

    Voice voice(Report& report) const;
    bool starts_at_boot() const { return enabled && file.has_section("Install"); }
};

// unit_kinds.cpp
void translate_mount(const DeclaredUnit& unit, Value& machine, Report& report);
void translate_swap(const DeclaredUnit& unit, Value& machine, Report& report);
// "@every 90s", "0 0 3 * * *"; nothing where a problem was reported.
std::optional<std::string> translate_timer(const DeclaredUnit& unit, Report& report);
// Why units of a type are none of this machine; empty: they can be.
std::string_view refusal_of_type(std::string_view type);

}  // namespace diatom::ignition
