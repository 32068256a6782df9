// The last stage: from a valid document to its canonical form.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "compose/expand.h"
#include "compose/validate.h"
#include "sys/clock.h"

namespace diatom::compose {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::optional<std::int64_t> to_integer(const Value& value) {
    if (value.type() == Value::Type::integer) return value.integer();
    if (value.type() == Value::Type::real && value.real() == std::floor(value.real()) &&
        std::fabs(value.real()) < 9e18) {
        return static_cast<std::int64_t>(value.real());
    }
    return value.is_text() ? parse_int(value.text()) : std::nullopt;
}

std::optional<double> to_real(const Value& value) {
    if (value.type() == Value::Type::integer) return static_cast<double>(value.integer());
    if (value.type() == Value::Type::real) return value.real();
    double number = 0;
    const auto& text = value.text();
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// As the single-precision number that docker compose keeps, in its shortest decimals.
Value single_precision(double number) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<float>(number));
    double shortest = 0;
    std::from_chars(buffer.data(), end.ptr, shortest);
    return Value::of(shortest);
}

std::optional<bool> to_boolean(const Value& value) {
    if (value.type() == Value::Type::boolean) return value.boolean();
    const auto text = to_lower(value.text());
    if (text == "true" || text == "yes" || text == "y" || text == "on") return true;
    if (text == "false" || text == "no" || text == "n" || text == "off") return false;
    return std::nullopt;
}

// "1.5g", "64 MiB": powers of 1024. Numbers are bytes, -1 among them.
std::optional<std::int64_t> to_bytes(const Value& value) {
    if (!value.is_text()) return to_integer(value);
    const auto& text = value.text();
    const auto end = text.find_first_not_of("0123456789.");
    auto unit = to_lower(trim(end == std::string::npos ? std::string_view() : std::string_view(text).substr(end)));
    const auto number = to_real(Value::of(std::string_view(text).substr(0, end)));
    if (!number || *number < 0) return std::nullopt;
    if (unit.ends_with('b')) unit.pop_back();
    if (unit.ends_with('i') && unit.size() > 1) unit.pop_back();
    const auto power = unit.empty() ? std::string_view::npos : std::string_view("kmgtp").find(unit);
    if (unit.size() > 1 || (!unit.empty() && power == std::string_view::npos)) return std::nullopt;
    const double size = *number * (unit.empty() ? 1.0 : std::pow(1024.0, static_cast<double>(power + 1)));
    return size < 9e18 ? std::optional(static_cast<std::int64_t>(size)) : std::nullopt;
}

template <class T>
std::optional<Value> valued(std::optional<T> found) {
    return found ? std::optional(Value::of(*found)) : std::nullopt;
}

std::optional<Value> read_scalar(const Value& value, As as) {
    switch (as) {
        case As::text:
        case As::any_text:
        case As::label: return Value::of(value.scalar_text());
        case As::variable: return value.is_null() ? Value() : Value::of(value.scalar_text());
        case As::integer: return valued(to_integer(value));
        case As::real: {
            const auto number = to_real(value);
            return number ? std::optional(single_precision(*number)) : std::nullopt;
        }
        case As::boolean: return valued(to_boolean(value));
        case As::bytes: {
            const auto bytes = to_bytes(value);
            return bytes ? std::optional(Value::of(std::to_string(*bytes))) : std::nullopt;
        }
        case As::duration: {
            const auto duration = sys::parse_duration(value.text());
            return duration ? std::optional(Value::of(format_duration(*duration))) : std::nullopt;
        }
        case As::count:
            if (value.is_text() && value.text() == "all") return Value::of(std::int64_t{-1});
            return valued(to_integer(value));
    }
    return std::nullopt;
}

std::string_view wanted(As as) {
    switch (as) {
        case As::integer: return "must be a whole number";
        case As::real: return "must be a number";
        case As::boolean: return "must be true or false";
        case As::bytes: return "must be a size such as 64m or 1.5g";
        case As::duration: return "must be a duration with units, such as 10s or 1m30s";
        default: return "must be a whole number, or all";
    }
}

Result<Value> finish_scalar(const Value& value, As as, const std::string& path) {
    auto found = read_scalar(value, as);
    if (!found) return value.error(path, std::format("\"{}\" {}", value.scalar_text(), wanted(as)));
    found->set_mark(value.mark());
    return std::move(*found);
}

bool is_zero(const Value& value, const Type& type) {
    switch (value.type()) {
        case Value::Type::null: return true;
        case Value::Type::boolean: return !value.boolean();
        case Value::Type::integer: return value.integer() == 0;
        case Value::Type::real: return value.real() == 0;
        case Value::Type::text:
            return value.text().empty() || (type.as == As::bytes && value.text() == "0") ||
                   (type.as == As::duration && value.text() == "0s");
        case Value::Type::list: return value.items().empty();
        case Value::Type::map: return type.form != Form::object && value.members().empty();
    }
    return false;
}

bool is_omitted(const Value& value, const Field& field) {
    switch (field.omit) {
        case Omit::zero: return is_zero(value, *field.type);
        case Omit::absent: return value.is_null();
        case Omit::never: return false;
        case Omit::always: return true;
    }
    return false;
}

std::string printed_name(const Field& field, const Type& type) {
    std::string name(field.name);
    if (type.capitals) name.front() = static_cast<char>(name.front() - 'a' + 'A');
    return name;
}

Result<Value> finish_object(const Value& value, const Type& type, Extensions extensions, const std::string& path) {
    if (!value.is_map() && type.as == As::integer) {
        auto limit = TRY(finish_scalar(value, As::integer, path));
        return limit.integer() == 0 ? Value::map() : std::move(limit);
    }
    auto made = Value::map();
    made.set_mark(value.mark());
    for (const auto& field : type.fields) {
        const auto* member = value.find(field.name);
        const bool is_made = member == nullptr && field.omit == Omit::never && field.type->form == Form::object;
        if (member == nullptr && (!is_made && field.omit != Omit::never)) continue;
        static const Value kNothing = Value::map();
        static const Value kNull;
        const auto& source = member != nullptr ? *member : is_made ? kNothing : kNull;
        auto finished =
            source.is_null() ? Value() : TRY(finish(source, *field.type, extensions, child_path(path, field.name)));
        if (finished.is_null() && field.omit == Omit::never && field.type->form == Form::map) finished = Value::map();
        if (!is_omitted(finished, field)) made.set(printed_name(field, type), std::move(finished));
    }
    if (extensions == Extensions::drop && &type != &document_type()) return made;
    for (const auto& [key, member] : value.members()) {
        if (key.starts_with("x-")) made.set(key, member);
    }
    return made;
}

Result<Value> finish_map(const Value& value, const Type& type, Extensions extensions, const std::string& path) {
    auto made = Value::map();
    made.set_mark(value.mark());
    for (const auto& [key, member] : value.members()) {
        const auto below = child_path(path, key);
        if (type.form == Form::pairs) made.set(key, TRY(finish_scalar(member, type.as, below)));
        else if (member.is_null() && type.item->form == Form::object) made.set(key, Value());
        else made.set(key, TRY(finish(member, *type.item, extensions, below)));
    }
    made.sort();
    return made;
}

}  // namespace

Result<Value> finish(const Value& value, const Type& type, Extensions extensions, const std::string& path) {
    switch (type.form) {
        case Form::object: return finish_object(value, type, extensions, path);
        case Form::map:
        case Form::pairs: return finish_map(value, type, extensions, path);
        case Form::scalar: return finish_scalar(value, type.as, path);
        case Form::list: break;
    }
    auto made = Value::list();
    made.set_mark(value.mark());
    for (std::size_t i = 0; i < value.items().size(); ++i) {
        made.add(TRY(finish(value.items()[i], *type.item, extensions, std::format("{}[{}]", path, i))));
    }
    if (type.short_form == Short::hosts) {
        std::ranges::sort(made.items(), {}, [](const Value& item) -> const std::string& { return item.text(); });
    }
    return made;
}

std::string format_duration(std::int64_t nanoseconds) {
    if (nanoseconds == 0) return "0s";
    std::string text = nanoseconds < 0 ? "-" : "";
    auto left = static_cast<std::uint64_t>(nanoseconds < 0 ? -(nanoseconds + 1) : nanoseconds) + (nanoseconds < 0);
    const auto fraction = [](std::uint64_t value, std::uint64_t unit) {
        return format_real(static_cast<double>(value) / static_cast<double>(unit));
    };
    if (left < 1000) return text + std::format("{}ns", left);
    if (left < 1'000'000) return text + fraction(left, 1000) + "µs";
    if (left < kSecond) return text + fraction(left, 1'000'000) + "ms";
    const std::uint64_t minute = 60ULL * kSecond, hour = 60 * minute;
    const auto hours = left / hour, minutes = left % hour / minute;
    if (hours > 0) text += std::format("{}h", hours);
    if (hours > 0 || minutes > 0) text += std::format("{}m", minutes);
    return text + fraction(left % minute, kSecond) + "s";
}

}  // namespace diatom::compose
