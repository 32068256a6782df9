// The "name" filter of Docker's listings: regular expressions. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "api/filter.h"
#include "base/posix_regex.h"

namespace diatom::api {

// Docker's are of Go's dialect, these are POSIX's extended ones: the same for names (^, $, ., [], |, *). What only Go's
// knows (\d, (?i)) and counts in braces, which make the compiled form large, are refused.
class NameFilter {
public:
    // Takes "name" out of the filters.
    static Result<NameFilter> take(Filters& filters);

    // Whether any of them is the name or matches somewhere in it; without any, all names are wanted.
    bool allows(const std::string& name) const;

private:
    struct Pattern {
        std::string text;
        PosixRegex regex;
    };
    std::vector<Pattern> patterns_;
};

}  // namespace diatom::api
