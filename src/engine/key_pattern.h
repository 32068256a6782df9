// A regular expression that names of labels and variables are searched for. Docker's are RE2's; here POSIX extended
// ones with \d, \w, \s and their opposites: what the two have in common means the same, the rest ("(?…)", "*?", other
// escapes of letters) is refused. Thread side: any.
#pragma once

#include <regex.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace diatom::engine {

class KeyPattern {
public:
    static Result<KeyPattern> parse(const std::string& text);
    bool matches(const std::string& name) const;

private:
    struct Free {
        void operator()(regex_t* compiled) const;
    };
    using Compiled = std::unique_ptr<regex_t, Free>;
    explicit KeyPattern(Compiled compiled) : compiled_(std::move(compiled)) {}
    Compiled compiled_;
};

}  // namespace diatom::engine
