// What a check found: one invariant that does not hold. Thread side: any; owns its strings.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace diatom {

struct Finding {
    std::string what;    // "a layer directory that no record mentions"
    std::string where;   // a path, an interface, the id of a container
    std::string advice;  // what to do about it
    friend auto operator<=>(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

}  // namespace diatom
