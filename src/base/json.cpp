#include "base/json.h"

#include <sstream>

namespace diatom {
namespace {

// nlohmann::json parses recursively only on destruction; the depth is bounded before a value is built.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxJsonDepth) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

// Whether a whole value stands before what cannot be read.
bool begins_with_value(std::string_view text) {
    std::istringstream stream{std::string(text)};
    Json value;
    try {
        stream >> value;
    } catch (const Json::exception&) {
        return false;
    }
    return true;
}

Failure wrong_type(std::string_view key, std::string_view wanted, const Json& got) {
    return fail(Kind::invalid, "\"{}\" must be {}, not {}", key, wanted, got.type_name());
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
    if (too_deep(text)) return fail(Kind::invalid, "{}: JSON is nested deeper than {} levels", what, kMaxJsonDepth);
    try {
        return Json::parse(text);
    } catch (const Json::exception& e) {
        if (begins_with_value(text)) return fail(Kind::invalid, "{}: unexpected content after JSON", what);
        return fail(Kind::invalid, "{}: not valid JSON: {}", what, e.what());
    }
}

const Json& json_member(const Json& object, std::string_view key) {
    static const Json kNull;
    if (!object.is_object()) return kNull;
    const auto it = object.find(key);
    return it == object.end() ? kNull : *it;
}

Result<std::string> json_string(const Json& object, std::string_view key, std::string fallback) {
    const Json& value = json_member(object, key);
    if (value.is_null()) return fallback;
    if (!value.is_string()) return wrong_type(key, "a string", value);
    return value.get<std::string>();
}

Result<std::int64_t> json_int(const Json& object, std::string_view key, std::int64_t fallback) {
    const Json& value = json_member(object, key);
    if (value.is_null()) return fallback;
    if (value.is_number_float()) {
        const double number = value.get<double>();
        if (number >= -9.0e15 && number <= 9.0e15 && number == static_cast<double>(static_cast<std::int64_t>(number))) {
            return static_cast<std::int64_t>(number);
        }
    }
    if (!value.is_number_integer()) return wrong_type(key, "a whole number", value);
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
        return fail(Kind::invalid, "\"{}\" is too large", key);
    }
    return value.get<std::int64_t>();
}

Result<bool> json_bool(const Json& object, std::string_view key, bool fallback) {
    const Json& value = json_member(object, key);
    if (value.is_null()) return fallback;
    if (!value.is_boolean()) return wrong_type(key, "true or false", value);
    return value.get<bool>();
}

Result<std::vector<std::string>> json_strings(const Json& object, std::string_view key) {
    const Json& value = json_member(object, key);
    std::vector<std::string> strings;
    if (value.is_null()) return strings;
    if (!value.is_array()) return wrong_type(key, "a list of strings", value);
    for (const auto& item : value) {
        if (!item.is_string()) return wrong_type(key, "a list of strings", item);
        strings.push_back(item.get<std::string>());
    }
    return strings;
}

Result<std::map<std::string, std::string>> json_string_map(const Json& object, std::string_view key) {
    const Json& value = json_member(object, key);
    std::map<std::string, std::string> map;
    if (value.is_null()) return map;
    if (!value.is_object()) return wrong_type(key, "an object of strings", value);
    for (const auto& [name, item] : value.items()) {
        if (!item.is_string()) return wrong_type(key, "an object of strings", item);
        map.emplace(name, item.get<std::string>());
    }
    return map;
}

std::string dump_json(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace diatom
