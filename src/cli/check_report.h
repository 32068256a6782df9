// What the engines said of their invariants, for people. Thread side: any; pure.
#pragma once

#include <string>

#include "base/json.h"

namespace diatom::cli {

// `engines`: scope -> answer of GET /diatom/check. A line for each engine, one for each invariant that does not hold,
// one for each part that could not be looked at.
std::string draw_check(const Json& engines);
bool all_hold(const Json& engines);

}  // namespace diatom::cli
