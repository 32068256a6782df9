// Whether a document is what the Compose Specification describes, and what it then says. Thread side: any.
#pragma once

#include <string>

#include "compose/schema.h"
#include "document/value.h"

namespace diatom::compose {

// Of an expanded document: every key is known (or begins with x-), and holds the right form. The error names file,
// line, key and what to write instead.
Result<void> validate(const Value& value, const Type& type, const std::string& path = {});

enum class Extensions : std::uint8_t { drop, keep };

// The canonical form, as `docker compose config` prints it: numbers, booleans, sizes and durations read, keys in order,
// what is empty left out.
Result<Value> finish(const Value& value, const Type& type, Extensions extensions = Extensions::drop,
                     const std::string& path = {});

std::string format_duration(std::int64_t nanoseconds);  // 1m30s

}  // namespace diatom::compose
