// Whether a document is a configuration. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "machine/path.h"
#include "machine/schema.h"

namespace diatom::machine {

struct Problem {
    enum class Kind : std::uint8_t {
        unknown_key,
        wrong_value,
    };
    Kind kind;
    Path path;
    std::string text;  // "FILE:LINE: users.core.uid: must be a whole number, not text"
};

// All that is wrong, in order. Where a key is unknown, the nearest known one is named.
std::vector<Problem> check(const Value& document, const Type& type = machine_type());

// Removes what is wrong and says so: of documents that are not ours, a mistake in one key must not cost the others.
std::vector<Problem> keep_valid(Value& document);

// The first problem as an error: of our own documents, which are taken whole or not at all.
Result<void> require_valid(const Value& document);

// The same with every secret as "(secret)": what is printed and logged.
Value without_secrets(const Value& document, const Type& type = machine_type());

}  // namespace diatom::machine
