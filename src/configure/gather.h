// All that is said of this machine's configuration, by everyone who may say something. Thread side: any; reads files.
//
//   image       /usr/share/diatom/machine.yml
//   state       /var/lib/diatom/config/machine.d/*.yml by name, then machine.yml: taken whole or not at all
//   cmdline     diatom.KEY=VALUE and diatom.set.PATH=VALUE of the kernel command line
#pragma once

#include <string>
#include <vector>

#include "machine/layers.h"

namespace diatom::configure {

struct Places {
    std::string image = "/usr/share/diatom/machine.yml";
    std::string state = "/var/lib/diatom/config";
    std::string command_line = "/proc/cmdline";
};

struct Gathered {
    machine::Layers layers;
    std::vector<std::string> warnings;  // what was left out, and why
};

// What cannot be read or is no configuration is left out, with a warning: a mistake in a file must not keep a machine
// from its other sources.
Gathered gather(const Places& places = {});

// What the kernel command line says, as a document. A key of a list takes words that are separated by commas.
Value decode_command_line(std::string_view line, std::vector<std::string>& warnings);

}  // namespace diatom::configure
