// Regular expressions as Docker takes them, of Go's dialect (RE2), that names are searched for: whether a text has a
// match, not where. Translated into POSIX's extended ones; what those cannot say is refused by its name: flags but a
// leading (?i), classes by Unicode property, \Q..\E, escapes by number, characters beyond ASCII in []. Source:
// pkg.go.dev/regexp/syntax, regex(7). Thread side: any.
#pragma once

#include <string>

#include "base/error.h"
#include "base/posix_regex.h"

namespace diatom {

class GoRegex {
public:
    // What comes from a client is bounded: by its length, and with its counts in braces multiplied out, which is what
    // the compiled form is as large as.
    static constexpr std::size_t kLongest = 512;
    static constexpr std::size_t kLargest = 2'000;

    // invalid: no regular expression of Go's, one that is refused, or too large; with the reason.
    static Result<GoRegex> compile(const std::string& text);
    bool matches(const std::string& name) const { return regex_.matches(name); }

private:
    explicit GoRegex(PosixRegex regex) : regex_(std::move(regex)) {}
    PosixRegex regex_;
};

// The translation itself; of a text that a leading (?i) has been taken from.
Result<std::string> posix_of_go(std::string_view text);

}  // namespace diatom
