// JSON text to values that know their lines. Source: RFC 8259, strictly: no comments, no trailing commas, one document,
// names of an object unique, text in UTF-8. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "document/value.h"

namespace diatom {

// Untrusted input: larger documents are refused, and deeper ones than kMaxDepth of the YAML reader.
inline constexpr std::size_t kMaxJsonDocument = 32U << 20U;  // bytes: file contents stand in them

// `file` names it in errors: "FILE:LINE: not valid JSON: …". Whole numbers beyond 64 bits are real numbers.
Result<Value> read_json(std::string_view text, const std::string& file);

// RFC 3629: shortest forms, no surrogates.
bool is_utf8(std::string_view text) noexcept;

}  // namespace diatom
