// JSON at the edges: strict parsing and typed fields with errors that name the path. Thread side: any.
#pragma once

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace diatom {

using Json = nlohmann::json;

// Nesting deeper than this is refused, so that hostile input cannot exhaust the stack.
inline constexpr int kMaxJsonDepth = 128;

// `what` names the document in the error ("image manifest sha256:…").
Result<Json> parse_json(std::string_view text, std::string_view what);

// Typed access to an object's member. A missing or null member gives `fallback`; another type is an error.
Result<std::string> json_string(const Json& object, std::string_view key, std::string fallback = {});
Result<std::int64_t> json_int(const Json& object, std::string_view key, std::int64_t fallback = 0);
Result<bool> json_bool(const Json& object, std::string_view key, bool fallback = false);
Result<std::vector<std::string>> json_strings(const Json& object, std::string_view key);
Result<std::map<std::string, std::string>> json_string_map(const Json& object, std::string_view key);

// The member itself, or a null value that lives for ever.
const Json& json_member(const Json& object, std::string_view key);

// Serialised; invalid UTF-8 is replaced, never thrown on.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace diatom
