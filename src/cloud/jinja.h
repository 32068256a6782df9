// The part of Jinja that user-data is written in, over the instance's data. Untrusted input: no calls, no imports, and
// output, steps and nesting are bounded. Thread side: any; values.
//
//   {{ v1.local_hostname }}  {{ ds.meta_data['a-b'] | default('x') }}  {# ... #}
//   {% if a == 'b' and not c %} {% elif x is defined %} {% else %} {% endif %}
//   {% for k in list %} {% for k, v in map.items() %} {{ loop.index }} {% else %} {% endfor %}
//   {% raw %} {% endraw %}, {%- and -%}
//
// Filters: default, lower, upper, trim, length, first, last, join, replace. All else is refused by name.
// Source: Jinja 3.1, "Template Designer Documentation", with trim_blocks as cloud-init 25.2 sets it (templater.py).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"

namespace diatom::cloud {

inline constexpr std::size_t kMaxRendered = 1U << 20U;  // bytes
inline constexpr std::size_t kMaxJinjaSteps = 200'000;
inline constexpr int kMaxJinjaDepth = 32;

struct Rendered {
    struct Missing {
        std::string name;
        std::uint32_t line;
    };
    std::string text;
    std::vector<std::uint32_t> lines;  // the line of the template that each line of the text comes from
    // Values that are not there; cloud-init's marker CI_MISSING_JINJA_VAR/NAME stands in their place.
    std::vector<Missing> missing;
};

struct JinjaError {
    std::string message;
    std::uint32_t line;  // of the template, from 1
};

// The template with its first line, "## template: jinja", which is left out of the text.
std::expected<Rendered, JinjaError> render_jinja(std::string_view text, const Value& data);

}  // namespace diatom::cloud
