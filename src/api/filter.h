// The "filters" parameter of Docker's listings and of its event stream. Thread side: any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::api {

using Filters = std::map<std::string, std::vector<std::string>>;
using Labels = std::map<std::string, std::string>;

// {"status":["running"]} or, from old clients, {"status":{"running":true}}; an empty text filters nothing.
Result<Filters> decode_filters(std::string_view text);

// `wanted` is KEY (whatever its value) or KEY=VALUE.
bool label_matches(const Labels& labels, std::string_view wanted);
bool labels_match(const Labels& labels, const Filters& filters);  // all that "label" lists

bool is_true(std::string_view value);  // "true" or "1"
// The first value of a filter that is a yes or no.
bool flag_of(const Filters& filters, const std::string& key, bool fallback);
// Wall time before which things were made that "until" wants; nothing: all of them.
Result<std::optional<std::int64_t>> until_of(const Filters& filters);

// The labels that a prune is to take or, by "label!", to spare.
bool labels_allow(const Labels& labels, const Filters& filters);
// Refuses, by name, a filter that `known` does not list.
Result<void> check_filters(const Filters& filters, std::span<const std::string_view> known);

// Whether a thing passes all filters: it has every label of "label", and of each other filter at least one value
// matches. A filter without values filters nothing.
using Matches = std::function<bool(std::string_view key, const std::string& value)>;
bool passes(const Filters& filters, const Labels& labels, const Matches& matches);

}  // namespace diatom::api
