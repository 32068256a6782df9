// A service of systemd as a service of this machine. What a translated service runs in: a system container on a private
// copy of all the machine's mounts (image: diatom/host), privileged, with the machine's network, processes, IPC, name
// and control groups, as a process of systemd would have them; /bin/sh is there, and what else the image's root has. A
// `docker run` or `podman run` in it is a client of the user engine, which it is made to wait for. Units with one plain
// command become that command; others a shell script in systemd's order. What systemd would wait for between failures
// (RestartSec, StartLimit*) is the supervisor's own affair here. Thread side: any. Source: systemd.service(5),
// systemd.exec(5), systemd.kill(5), systemd.unit(5) of version 257.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "document/value.h"
#include "ignition/unit_file.h"

namespace diatom::ignition {

enum class Bond : std::uint8_t { after, before, wants, needs };

struct Relation {
    Bond bond;
    std::string unit;
    const Setting* setting;
};

struct Service {
    Value definition;   // as in a Compose file, but for depends_on
    bool ends = false;  // oneshot: those after it wait for its end
    std::vector<Relation> relations;
};

// What is wrong at a setting, or only worth saying.
using Say = std::function<void(const Setting& setting, std::string_view message)>;
struct Voice {
    Say problem, warning;
};

// Everything of the unit that find_directive refuses; false when there was something.
bool refuse_directives(const UnitFile& unit, std::string_view type, const Voice& voice);

// "After=a.service b.service", with specifiers replaced.
std::vector<Relation> relations_of(const UnitFile& unit, const UnitName& name, const Voice& voice);

Service translate_service(const UnitFile& unit, const UnitName& name, const Voice& voice);

}  // namespace diatom::ignition
