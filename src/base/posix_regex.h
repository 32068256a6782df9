// A POSIX extended regular expression that names are searched for (regcomp(3)). What of it may come from a client is
// the caller's to bound: counts in braces make the compiled form large. Thread side: any.
#pragma once

#include <regex.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace diatom {

class PosixRegex {
public:
    // invalid, with the C library's reason.
    static Result<PosixRegex> compile(const std::string& text);
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
