// YAML text to values: YAML 1.2's scalars with 1.1's merge keys, the tags !reset, !override and !!binary (whose bytes
// are a text), strict mappings.
// Exceptions of yaml-cpp stop here. Thread side: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"

namespace diatom {

// Untrusted input: larger documents, deeper ones, and aliases that multiply beyond this are refused.
inline constexpr std::size_t kMaxDocument = 1U << 20U;  // bytes
inline constexpr std::size_t kMaxNodes = 200'000;
inline constexpr std::size_t kMaxText = 16U << 20U;  // bytes of all its texts, aliases counted
inline constexpr int kMaxDepth = 64;

// The documents of one file, each a mapping; empty documents are left out. `file` names it in errors.
Result<std::vector<Value>> read_yaml(std::string_view text, const std::string& file);
// The same where a document may be of any type.
Result<std::vector<Value>> read_yaml_values(std::string_view text, const std::string& file);

// What an unquoted scalar means.
Value resolve_plain(const std::string& text);

}  // namespace diatom
