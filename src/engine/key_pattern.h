// A regular expression that names of labels and variables are searched for. Docker's are RE2's; here POSIX extended
// ones with \d, \w, \s and their opposites: what the two have in common means the same, the rest ("(?…)", "*?", other
// escapes of letters) is refused. Thread side: any.
#pragma once

#include <string>

#include "base/posix_regex.h"

namespace diatom::engine {

class KeyPattern {
public:
    static Result<KeyPattern> parse(const std::string& text);
    bool matches(const std::string& name) const { return regex_.matches(name); }

private:
    explicit KeyPattern(PosixRegex regex) : regex_(std::move(regex)) {}
    PosixRegex regex_;
};

}  // namespace diatom::engine
