// What `diatom config` prints. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "machine/layers.h"
#include "machine/store.h"

namespace diatom::cli {

std::string show_value(const Value& value, bool json);
// One line for each source, in rising order; the ones that are heard are marked.
std::string show_opinions(const std::vector<machine::Opinion>& opinions, const machine::Path& path, bool json,
                          bool secrets);
std::string show_history(const std::vector<machine::Revision>& revisions, bool json);
// "- PATH: VALUE" and "+ PATH: VALUE" of every scalar that is not the same.
std::string show_differences(const Value& before, const Value& after);

}  // namespace diatom::cli
