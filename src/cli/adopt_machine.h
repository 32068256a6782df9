// This machine, for who takes what another system left. Thread side: main thread.
#pragma once

#include "adopt/adoption.h"

namespace diatom::cli {

adopt::Adoption adoption_of_machine();

}  // namespace diatom::cli
