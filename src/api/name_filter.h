// The "name" filter of Docker's listings: regular expressions. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "api/filter.h"
#include "base/go_regex.h"

namespace diatom::api {

// One that is no regular expression is refused; Docker takes it for one that matches nothing.
class NameFilter {
public:
    // Takes "name" out of the filters.
    static Result<NameFilter> take(Filters& filters);

    // Whether any of them is the name or matches somewhere in it; without any, all names are wanted.
    bool allows(const std::string& name) const;

private:
    struct Pattern {
        std::string text;
        GoRegex regex;
    };
    std::vector<Pattern> patterns_;
};

}  // namespace diatom::api
