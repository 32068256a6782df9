#include "api/name_filter.h"

#include <algorithm>
#include <cctype>

namespace diatom::api {
namespace {

constexpr std::size_t kMaxLength = 512;

Failure refuse(const std::string& text, std::string_view why) {
    return fail(Kind::invalid, "filter name={}: {}", text, why);
}

Result<void> check(const std::string& text) {
    if (text.size() > kMaxLength) return refuse(text.substr(0, 40) + "...", "longer than 512 characters");
    if (text.contains('\0')) return refuse(text.substr(0, text.find('\0')), "it has a NUL in it");
    if (text.contains("(?") || text.contains('{'))
        return refuse(text, "groups with (?...) and counts in braces are not in this version");
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] != '\\') continue;
        if (std::isalnum(static_cast<unsigned char>(text[++i])) != 0)
            return refuse(text, "a backslash before a letter or digit is not in this version: use [a-z] or [0-9]");
    }
    return {};
}

}  // namespace

Result<NameFilter> NameFilter::take(Filters& filters) {
    NameFilter filter;
    for (auto& text : filters["name"]) {
        TRY(check(text));
        auto regex = PosixRegex::compile(text);
        if (!regex) return refuse(text, regex.error().what());
        filter.patterns_.push_back({std::move(text), std::move(*regex)});
    }
    filters.erase("name");
    return filter;
}

bool NameFilter::allows(const std::string& name) const {
    return patterns_.empty() || std::ranges::any_of(patterns_, [&](const auto& pattern) {
               return pattern.text == name || pattern.regex.matches(name);
           });
}

}  // namespace diatom::api
