#include "compose/validate.h"

#include <algorithm>

#include "base/strings.h"
#include "compose/expand.h"

namespace diatom::compose {
namespace {

using Kinds = unsigned;
constexpr Kinds bit(Value::Type type) { return 1U << static_cast<unsigned>(type); }
constexpr Kinds kText = bit(Value::Type::text), kWhole = bit(Value::Type::integer), kReal = bit(Value::Type::real),
                kBoolean = bit(Value::Type::boolean), kNull = bit(Value::Type::null);

struct Expected {
    Kinds kinds;
    std::string_view words;
};

Expected expected(As as) {
    switch (as) {
        case As::text: return {kText, "text (in quotes where it looks like a number or a boolean)"};
        case As::any_text: return {kText | kWhole | kReal, "text or a number"};
        case As::integer: return {kText | kWhole | kReal, "a whole number"};
        case As::real: return {kText | kWhole | kReal, "a number"};
        case As::boolean: return {kText | kBoolean, "true or false"};
        case As::bytes: return {kText | kWhole | kReal, "a size such as 64m or 1.5g"};
        case As::duration: return {kText, "a duration such as 1m30s"};
        case As::count: return {kText | kWhole, "a whole number, or all"};
        case As::label:
        case As::variable: return {kText | kWhole | kReal | kBoolean | kNull, "text, a number or a boolean"};
    }
    return {0, ""};
}

Failure wrong(const Value& value, const std::string& path, std::string_view wanted) {
    return value.error(path, std::format("must be {}, not {}", wanted, describe(value.type())));
}

Result<void> check_scalar(const Value& value, As as, const std::string& path) {
    const auto wanted = expected(as);
    if ((bit(value.type()) & wanted.kinds) == 0) return wrong(value, path, wanted.words);
    return {};
}

Failure unknown_key(const Value& value, const Type& type, const std::string& path, std::string_view key) {
    std::vector<std::string_view> names;
    for (const auto& field : type.fields) names.push_back(field.name);
    const auto near = nearest(key, names);
    return value.error(path, near ? std::format("unknown key \"{}\": did you mean \"{}\"?", key, *near)
                                  : std::format("unknown key \"{}\": remove it, or begin it with x-", key));
}

Result<void> validate_object(const Value& value, const Type& type, const std::string& path) {
    // A limit may be one number.
    if (type.as == As::integer && !value.is_map()) return check_scalar(value, As::integer, path);
    if (!value.is_map()) return wrong(value, path, "a mapping");
    for (const auto& [key, member] : value.members()) {
        if (key.starts_with("x-") && has_extensions(type)) continue;
        const auto* below = member_type(type, key);
        if (below == nullptr) return unknown_key(member, type, path, key);
        TRY(validate(member, *below, child_path(path, key)));
    }
    for (const auto key : type.required) {
        if (!value.has(key)) return value.error(path, std::format("\"{}\" is missing", key));
    }
    return {};
}

bool is_key_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return c == '.' || c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z');
    });
}

Result<void> validate_map(const Value& value, const Type& type, const std::string& path) {
    if (!value.is_map()) return wrong(value, path, "a mapping");
    for (const auto& [key, member] : value.members()) {
        // Names of the user's choice; options of drivers may have any.
        if (type.item->form == Form::object && !is_key_name(key)) {
            return member.error(path, std::format("the name \"{}\" must be of letters, digits, '.', '_' and '-'", key));
        }
        TRY(validate(member, *type.item, child_path(path, key)));
    }
    return {};
}

Result<void> validate_list(const Value& value, const Type& type, const std::string& path) {
    if (!value.is_list()) return wrong(value, path, "a list");
    for (std::size_t i = 0; i < value.items().size(); ++i) {
        const auto& item = value.items()[i];
        const auto place = std::format("{}[{}]", path, i);
        TRY(validate(item, *type.item, place));
        const bool is_double = type.same == Same::refused && std::ranges::count(value.items(), item) > 1;
        if (is_double) return item.error(place, std::format("\"{}\" stands in the list twice", item.scalar_text()));
    }
    return {};
}

Result<void> validate_pairs(const Value& value, const Type& type, const std::string& path) {
    if (!value.is_map()) return wrong(value, path, "a mapping, or a list of NAME=VALUE");
    for (const auto& [key, member] : value.members()) TRY(check_scalar(member, type.as, child_path(path, key)));
    return {};
}

}  // namespace

Result<void> validate(const Value& value, const Type& type, const std::string& path) {
    if (value.is_null() && type.nullable) return {};
    switch (type.form) {
        case Form::object: return validate_object(value, type, path);
        case Form::map: return validate_map(value, type, path);
        case Form::list: return validate_list(value, type, path);
        case Form::pairs: return validate_pairs(value, type, path);
        case Form::scalar: break;
    }
    TRY(check_scalar(value, type.as, path));
    if (type.choices.empty() || std::ranges::find(type.choices, value.text()) != type.choices.end()) return {};
    std::vector<std::string> choices(type.choices.begin(), type.choices.end());
    return value.error(path, std::format("\"{}\" must be one of {}", value.text(), join(choices, ", ")));
}

}  // namespace diatom::compose
