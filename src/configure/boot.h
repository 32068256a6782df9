// The configuration of a boot, from asking the platform to the last step. Thread side: a process of its own each;
// blocks.
//
//   at boot   ask the platform ──> gather ──> plan ──> carry out
//   late      ask again who was not asked ──> what is new, live ──> the first boot's commands and scripts ──> the end
//
// An Ignition that fails in an instance's first boot is fatal: as on CoreOS, the machine does not start half-made. When
// it was made once, mistakes are said and cost nothing else.
#pragma once

#include <string>
#include <vector>

#include "configure/outside.h"

namespace diatom::configure {

struct Said {
    std::vector<std::string> warnings, problems, fatal;
};

Said configure_at_boot(const OutsideMeans& means = OutsideMeans::real(), const Root& root = {});
// The service `configure` runs in this boot, and configure_late() by it, whatever else there is for it.
Result<void> come_back_late(const Root& root = {});
Said configure_late(const OutsideMeans& means = OutsideMeans::running(), const Root& root = {});

}  // namespace diatom::configure
