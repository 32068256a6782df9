// The command lines of systemd's services, and what a shell says instead. Source: systemd.service(5), "Command lines",
// version 257. Thread side: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::ignition {

struct ExecPiece {
    bool variable = false;
    std::string text;  // or the variable's name
};

struct ExecWord {
    std::vector<ExecPiece> pieces;
    bool splits = false;  // $NAME alone: as many words as its value has

    std::string plain() const;  // where no variable stands in it
};

struct ExecLine {
    bool failure_counts = true;  // no '-' before it
    bool privileged = false;     // '+' or '!' before it: not as the service's user
    std::vector<ExecWord> words;

    bool has_variables() const;
    std::vector<std::string> arguments() const;  // without variables
    std::string shell() const;                   // quoted for /bin/sh
    // The program's name without its directory.
    std::string program() const;
};

// Of a value whose specifiers are replaced; several where ';' stands between. invalid, unsupported: why not.
Result<std::vector<ExecLine>> parse_exec(std::string_view value);

// Words with quotes and escapes, as in Environment=.
Result<std::vector<std::string>> split_quoted(std::string_view value);

std::string shell_quote(std::string_view text);

}  // namespace diatom::ignition
