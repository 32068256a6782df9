// What a bracket of a regular expression stands for: a set of bytes, in and out of its notations. Thread side: any.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom {

using ByteSet = std::bitset<256>;

// \d \w \s, and by \D \W \S what they are without; nothing where the letter names no class.
std::optional<ByteSet> class_of_letter(char letter);
// The character that an escape at the beginning of `text` stands for, which follows a backslash.
Result<char> take_go_escape(std::string_view& text);
// The bracket of Go's that `text` begins with, after its "["; `text` becomes what follows it.
Result<ByteSet> take_go_bracket(std::string_view& text);
// For POSIX. A set that is empty has none: it matches nothing.
Result<std::string> posix_bracket(const ByteSet& set);

}  // namespace diatom
