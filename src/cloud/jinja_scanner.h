// A template cut into text and tags, and a tag's inside into tokens. Only jinja*.cpp include it. Thread side: any; the
// pieces refer to the template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::cloud::jinja {

struct Segment {
    enum class Kind : std::uint8_t { text, output, block };
    Kind kind;
    std::string_view content;  // of tags: what stands between the braces, without the signs for blanks
    std::uint32_t line;
};

// Blanks beside tags are taken away already, and comments. invalid: a tag that does not end; `line` says where.
Result<std::vector<Segment>> cut_template(std::string_view text, std::uint32_t& line);

struct Token {
    enum class Kind : std::uint8_t { name, text, number, sign, end };
    Kind kind = Kind::end;
    std::string text;  // of a literal without quotes
};

// invalid: a quote that does not end, a character that no expression has.
Result<std::vector<Token>> cut_expression(std::string_view text);

}  // namespace diatom::cloud::jinja
