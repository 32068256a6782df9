#include "api/filter.h"

#include <algorithm>

#include "base/json.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::api {

Result<Filters> decode_filters(std::string_view text) {
    Filters filters;
    if (text.empty()) return filters;
    const auto document = TRY(parse_json(text, "filters"));
    if (!document.is_object()) return fail(Kind::invalid, "filters: must be a JSON object");
    for (const auto& [key, value] : document.items()) {
        auto& values = filters[key];
        if (value.is_array()) {
            for (const auto& item : value) {
                if (!item.is_string()) return fail(Kind::invalid, "filters: \"{}\" must list strings", key);
                values.push_back(item.get<std::string>());
            }
        } else if (value.is_object()) {
            for (const auto& [item, on] : value.items()) {
                if (on.is_boolean() && on.get<bool>()) values.push_back(item);
            }
        } else {
            return fail(Kind::invalid, "filters: \"{}\" must be a list", key);
        }
    }
    return filters;
}

bool label_matches(const Labels& labels, std::string_view wanted) {
    const auto pair = cut(wanted, '=');
    const auto it = labels.find(std::string(pair ? pair->first : wanted));
    return it != labels.end() && (!pair || it->second == pair->second);
}

bool labels_match(const Labels& labels, const Filters& filters) {
    const auto it = filters.find("label");
    return it == filters.end() ||
           std::ranges::all_of(it->second, [&](const auto& wanted) { return label_matches(labels, wanted); });
}

bool is_true(std::string_view value) { return value == "true" || value == "1"; }

bool flag_of(const Filters& filters, const std::string& key, bool fallback) {
    const auto it = filters.find(key);
    return it == filters.end() || it->second.empty() ? fallback : is_true(it->second.front());
}

Result<std::optional<std::int64_t>> until_of(const Filters& filters) {
    const auto it = filters.find("until");
    if (it == filters.end() || it->second.empty()) return std::nullopt;
    if (it->second.size() > 1) return fail(Kind::invalid, "more than one until filter specified");
    const auto time = sys::parse_time_argument(it->second.front());
    if (!time) return fail(Kind::invalid, "\"until\" is not a time: \"{}\"", it->second.front());
    return time;
}

bool labels_allow(const Labels& labels, const Filters& filters) {
    const auto spared = filters.find("label!");
    return labels_match(labels, filters) &&
           (spared == filters.end() ||
            std::ranges::none_of(spared->second, [&](const auto& wanted) { return label_matches(labels, wanted); }));
}

Result<void> check_filters(const Filters& filters, std::span<const std::string_view> known) {
    for (const auto& [key, values] : filters) {
        if (std::ranges::contains(known, key)) continue;
        return fail(Kind::invalid, "invalid filter '{}': this version filters these by {}", key,
                    join(std::vector<std::string>(known.begin(), known.end()), ", "));
    }
    return {};
}

bool passes(const Filters& filters, const Labels& labels, const Matches& matches) {
    return labels_match(labels, filters) && std::ranges::all_of(filters, [&](const auto& filter) {
               const auto& [key, values] = filter;
               return key == "label" || values.empty() ||
                      std::ranges::any_of(values, [&, &name = key](const auto& value) { return matches(name, value); });
           });
}

}  // namespace diatom::api
