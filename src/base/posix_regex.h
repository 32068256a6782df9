// A POSIX extended regular expression that names are searched for (regcomp(3)). Not from a client as it is: counts in
// braces make the compiled form large, and what clients write is of Go's dialect (go_regex.h). Thread side: any.
#pragma once

#include <regex.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace diatom {

class PosixRegex {
public:
    enum class Case { differs, same };
    // invalid, with the C library's reason.
    static Result<PosixRegex> compile(const std::string& text, Case letters = Case::differs);
    bool matches(const std::string& name) const;  // somewhere in it

private:
    struct Free {
        void operator()(regex_t* compiled) const noexcept;
    };
    using Compiled = std::unique_ptr<regex_t, Free>;
    explicit PosixRegex(Compiled compiled) : compiled_(std::move(compiled)) {}
    Compiled compiled_;
};

}  // namespace diatom
