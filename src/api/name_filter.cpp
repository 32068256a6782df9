#include "api/name_filter.h"

#include <algorithm>

namespace diatom::api {

Result<NameFilter> NameFilter::take(Filters& filters) {
    NameFilter filter;
    for (auto& text : filters["name"]) {
        constexpr std::size_t kShown = 40;
        auto regex = GoRegex::compile(text);
        if (!regex)
            return fail(Kind::invalid, "filter name={}: {}", std::string_view(text).substr(0, kShown),
                        regex.error().what());
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
