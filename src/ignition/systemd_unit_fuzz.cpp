// Units as anybody might write them, as a service, a timer and a mount: names, quotes, specifiers, calendars.
#include <cstdint>
#include <cstdlib>

#include "ignition/units.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string text(reinterpret_cast<const char*>(data), size);
    auto units = Value::list();
    for (const auto* name : {"fuzz@x.service", "fuzz@x.timer", "fuzz.mount", "fuzz.swap"}) {
        auto unit = Value::map();
        unit.set("name", name);
        unit.set("enabled", Value::of(true));
        unit.set("contents", text);
        units.add(std::move(unit));
    }
    auto config = Value::map();
    config.set("systemd", Value::map()).set("units", std::move(units));
    auto machine = Value::map();
    ignition::Report report;
    ignition::translate_units(config, machine, report);
    return 0;
}
