// What is known of units by their words alone: directives, and the units that a CoreOS machine has and this one has
// under another name. Thread side: any (constants).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diatom::ignition {

enum class Handling : std::uint8_t {
    translated,
    needless,  // it changes nothing here: what it says holds anyway, or is about systemd itself
    refused,
};

struct Directive {
    std::string_view section, name;
    Handling handling;
    std::string_view reason = {};  // of what is refused
};

// Refused is also what is not in the table.
Directive find_directive(std::string_view section, std::string_view name);

// The system service that does here what a unit of that name does there; "" for what is always there when services
// start, such as local-fs.target. Nothing: no such unit.
std::optional<std::string_view> machine_service(std::string_view unit);

// Whether a system service of the image has that name.
bool is_machine_service(std::string_view name);

// A unit of CoreOS or Flatcar that this machine has no need of: to disable it is no mistake.
bool is_needless_unit(std::string_view unit);

}  // namespace diatom::ignition
