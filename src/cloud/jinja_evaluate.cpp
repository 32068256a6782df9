#include <algorithm>
#include <ranges>

#include "base/strings.h"
#include "cloud/jinja.h"
#include "cloud/jinja_expression.h"

namespace diatom::cloud::jinja {
namespace {

using Kind = Expression::Kind;

Found made(Value value) {
    auto kept = std::make_shared<const Value>(std::move(value));
    return {kept.get(), kept, {}};
}

// A part of what was found lives as long as the whole.
Found part_of(const Found& whole, const Value* part, std::string name) {
    return {part, part == nullptr ? nullptr : whole.made, std::move(name)};
}

std::string upper(std::string_view text) {
    std::string made(text);
    std::ranges::transform(made, made.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return made;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    if (from.empty()) return std::string(text);
    std::string made;
    // What is larger than a template may give is not made.
    for (auto at = text.find(from); made.size() <= kMaxRendered && at != std::string_view::npos; at = text.find(from)) {
        (made += text.substr(0, at)) += to;
        text.remove_prefix(at + from.size());
    }
    return made += text;
}

std::size_t length_of(const Value& value) {
    return value.is_map()    ? value.members().size()
           : value.is_list() ? value.items().size()
                             : value.scalar_text().size();
}

Result<Found> apply_filter(const std::string& name, const Found& input, const std::vector<Found>& arguments) {
    const auto argument = [&](std::size_t i) {
        return i < arguments.size() && arguments[i].value != nullptr ? printed(*arguments[i].value) : std::string();
    };
    if (name == "default" || name == "d") {
        const bool also_false = arguments.size() > 1 && is_true(arguments[1]);
        if (input.value != nullptr && (!also_false || is_true(input))) return input;
        return arguments.empty() ? made(Value::of("")) : arguments[0];
    }
    if (input.value == nullptr)
        return fail(diatom::Kind::invalid, "{} is not there, and goes into {}", input.name, name);
    const auto& value = *input.value;
    if (name == "length" || name == "count") return made(Value::of(static_cast<std::int64_t>(length_of(value))));
    if (name == "first" || name == "last" || name == "join") {
        if (!value.is_list()) return fail(diatom::Kind::invalid, "{} is for lists", name);
        const auto& items = value.items();
        if (name == "join") {
            std::string text;
            for (const auto& item : items) {
                if (&item != &items.front()) text += argument(0);
                text += printed(item);
                if (text.size() > kMaxRendered) return fail(diatom::Kind::exhausted, "the text becomes too large");
            }
            return made(Value::of(std::move(text)));
        }
        if (items.empty()) return Found{nullptr, nullptr, name};
        return part_of(input, name == "first" ? &items.front() : &items.back(), {});
    }
    const auto text = printed(value);
    if (name == "lower") return made(Value::of(to_lower(text)));
    if (name == "upper") return made(Value::of(upper(text)));
    if (name == "trim") return made(Value::of(trim(text)));
    auto result = replaced(text, argument(0), argument(1));
    if (result.size() > kMaxRendered) return fail(diatom::Kind::exhausted, "the text becomes too large");
    return made(Value::of(std::move(result)));
}

bool passes(const std::string& test, const Found& found) {
    const auto* value = found.value;
    if (test == "defined") return value != nullptr;
    if (test == "undefined") return value == nullptr;
    if (value == nullptr) return false;
    if (test == "none") return value->is_null();
    if (test == "string") return value->is_text();
    if (test == "mapping") return value->is_map();
    return value->type() == Value::Type::boolean && value->boolean() == (test == "true");
}

bool contains(const Value& whole, const Value& part) {
    if (whole.is_list()) return std::ranges::contains(whole.items(), part);
    if (whole.is_map()) return whole.has(part.scalar_text());
    return whole.is_text() && part.is_text() && whole.text().contains(part.text());
}

Result<bool> compare(const std::string& sign, const Found& left, const Found& right) {
    static const Value kNothing;
    const auto& a = left.value != nullptr ? *left.value : kNothing;
    const auto& b = right.value != nullptr ? *right.value : kNothing;
    const bool same = (left.value == nullptr) == (right.value == nullptr) && a == b;
    if (sign == "==") return same;
    if (sign == "!=") return !same;
    if (sign == "in") return contains(b, a);
    if (a.type() != b.type() || (!a.is_text() && a.type() != Value::Type::integer))
        return fail(diatom::Kind::invalid, "\"{}\" compares two numbers or two texts", sign);
    const auto order = a.is_text() ? a.text().compare(b.text()) <=> 0 : a.integer() <=> b.integer();
    if (sign == "<") return order < 0;
    if (sign == ">") return order > 0;
    return sign == "<=" ? order <= 0 : order >= 0;
}

Value pairs_of(const Value& map) {
    auto pairs = Value::list();
    for (const auto& [key, value] : map.members()) {
        auto pair = Value::list();
        pair.add(Value::of(key));
        pair.add(value);
        pairs.add(std::move(pair));
    }
    return pairs;
}

Result<Found> look_into(const Found& whole, const Value& key, bool is_member) {
    const auto text = key.scalar_text();
    const auto name = is_member ? std::format("{}.{}", whole.name, text) : std::format("{}['{}']", whole.name, text);
    if (whole.value == nullptr)
        return fail(diatom::Kind::invalid, "{} is not there, so {} cannot be", whole.name, name);
    if (!whole.value->is_list()) return part_of(whole, whole.value->find(text), name);
    const auto& items = whole.value->items();
    const auto size = static_cast<std::int64_t>(items.size());
    const auto index = key.type() == Value::Type::integer ? std::optional(key.integer()) : parse_int(text);
    if (!index || *index >= size || *index < -size) return Found{nullptr, nullptr, name};
    return part_of(whole, &items[static_cast<std::size_t>(*index < 0 ? *index + size : *index)], name);
}

}  // namespace

const Value* Scope::find(std::string_view name) const {
    for (const auto& [key, value] : variables_ | std::views::reverse) {
        if (key == name) return &value;
    }
    return data_.find(name);
}

bool is_true(const Found& found) {
    if (found.value == nullptr) return false;
    const auto& value = *found.value;
    switch (value.type()) {
        case Value::Type::null: return false;
        case Value::Type::boolean: return value.boolean();
        case Value::Type::integer: return value.integer() != 0;
        case Value::Type::real: return value.real() != 0;
        default: return length_of(value) != 0;
    }
}

std::string printed(const Value& value) {
    const auto inside = [](const Value& item) {
        return item.is_text() ? "'" + replaced(replaced(item.text(), "\\", "\\\\"), "'", "\\'") + "'" : printed(item);
    };
    std::vector<std::string> parts;
    switch (value.type()) {
        case Value::Type::null: return "None";
        case Value::Type::boolean: return value.boolean() ? "True" : "False";
        case Value::Type::list:
            for (const auto& item : value.items()) parts.push_back(inside(item));
            return "[" + join(parts, ", ") + "]";
        case Value::Type::map:
            for (const auto& [key, member] : value.members())
                parts.push_back(inside(Value::of(key)) + ": " + inside(member));
            return "{" + join(parts, ", ") + "}";
        default: return value.scalar_text();
    }
}

Result<Found> evaluate(const Expression& expression, const Scope& scope) {
    const auto part = [&](std::size_t i) { return evaluate(expression.parts[i], scope); };
    switch (expression.kind) {
        case Kind::literal: return Found{&expression.value, nullptr, {}};
        case Kind::name: return Found{scope.find(expression.text), nullptr, expression.text};
        case Kind::list: {
            auto list = Value::list();
            for (std::size_t i = 0; i < expression.parts.size(); ++i) {
                const auto item = TRY(part(i));
                list.add(item.value != nullptr ? *item.value : Value());
            }
            return made(std::move(list));
        }
        case Kind::member: return look_into(TRY(part(0)), Value::of(expression.text), true);
        case Kind::index: {
            const auto key = TRY(part(1));
            return look_into(TRY(part(0)), key.value != nullptr ? *key.value : Value(), false);
        }
        case Kind::items: {
            const auto map = TRY(part(0));
            if (map.value == nullptr || !map.value->is_map())
                return fail(diatom::Kind::invalid, "{} is no mapping that has items()", map.name);
            return made(pairs_of(*map.value));
        }
        case Kind::filter: {
            std::vector<Found> arguments;
            for (std::size_t i = 1; i < expression.parts.size(); ++i) arguments.push_back(TRY(part(i)));
            return apply_filter(expression.text, TRY(part(0)), arguments);
        }
        case Kind::test: return made(Value::of(passes(expression.text, TRY(part(0)))));
        case Kind::negate: return made(Value::of(!is_true(TRY(part(0)))));
        case Kind::both: {
            auto left = TRY(part(0));
            return is_true(left) ? part(1) : left;
        }
        case Kind::either: {
            auto left = TRY(part(0));
            return is_true(left) ? left : part(1);
        }
        case Kind::compare: {
            const auto left = TRY(part(0));
            return made(Value::of(TRY(compare(expression.text, left, TRY(part(1))))));
        }
        case Kind::condition: return part(is_true(TRY(part(1))) ? 0 : 2);
        case Kind::glue: {
            const auto left = TRY(part(0));
            const auto right = TRY(part(1));
            return made(Value::of((left.value != nullptr ? printed(*left.value) : std::string()) +
                                  (right.value != nullptr ? printed(*right.value) : std::string())));
        }
    }
    return Found{};
}

}  // namespace diatom::cloud::jinja
