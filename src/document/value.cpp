#include "document/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <format>

namespace diatom {
namespace {

const std::vector<Member>& no_members() {
    static const std::vector<Member> kNone;
    return kNone;
}

}  // namespace

Value::Value(const Value& other)
    : text_(other.text_),
      items_(other.items_),
      members_(other.members_ ? std::make_shared<std::vector<Member>>(*other.members_) : nullptr),
      mark_(other.mark_),
      number_(other.number_),
      type_(other.type_),
      tag_(other.tag_) {}

Value& Value::operator=(const Value& other) {
    if (this != &other) *this = Value(other);
    return *this;
}

Value Value::of(bool value) {
    Value made;
    made.type_ = Type::boolean;
    made.number_.integer = value ? 1 : 0;
    return made;
}
Value Value::of(std::int64_t value) {
    Value made;
    made.type_ = Type::integer;
    made.number_.integer = value;
    return made;
}
Value Value::of(double value) {
    Value made;
    made.type_ = Type::real;
    made.number_.real = value;
    return made;
}
Value Value::of(std::string value) {
    Value made;
    made.type_ = Type::text;
    made.text_ = std::move(value);
    return made;
}
Value Value::of(const std::vector<std::string>& texts) {
    Value made = list();
    for (const auto& text : texts) made.items_.push_back(of(text));
    return made;
}
Value Value::list() {
    Value made;
    made.type_ = Type::list;
    return made;
}
Value Value::map() {
    Value made;
    made.type_ = Type::map;
    made.members_ = std::make_shared<std::vector<Member>>();
    return made;
}

const std::vector<Member>& Value::members() const noexcept { return members_ ? *members_ : no_members(); }

std::vector<Member>& Value::members() noexcept {
    if (!members_) members_ = std::make_shared<std::vector<Member>>();
    return *members_;
}

const Value* Value::find(std::string_view key) const noexcept {
    if (!members_) return nullptr;
    for (const auto& [name, value] : *members_) {
        if (name == key) return &value;
    }
    return nullptr;
}

Value* Value::find(std::string_view key) noexcept { return const_cast<Value*>(std::as_const(*this).find(key)); }

Value& Value::set(std::string_view key, Value value) {
    if (type_ != Type::map) {
        Value made = map();
        made.mark_ = mark_;
        *this = std::move(made);
    }
    if (auto* found = find(key)) {
        *found = std::move(value);
        return *found;
    }
    return members_->emplace_back(std::string(key), std::move(value)).second;
}

void Value::add(Value value) {
    if (type_ != Type::list) {
        Value made = list();
        made.mark_ = mark_;
        *this = std::move(made);
    }
    items_.push_back(std::move(value));
}

void Value::erase(std::string_view key) {
    if (members_) std::erase_if(*members_, [&](const Member& member) { return member.first == key; });
}

void Value::sort() {
    if (members_) std::ranges::sort(*members_, {}, &Member::first);
}

const Value& Value::at(std::string_view key) const noexcept {
    static const Value kNull;
    const auto* found = find(key);
    return found != nullptr ? *found : kNull;
}

std::string Value::text_of(std::string_view key, std::string_view fallback) const {
    const auto& found = at(key);
    return found.is_text() ? found.text() : std::string(fallback);
}

std::int64_t Value::integer_of(std::string_view key, std::int64_t fallback) const {
    const auto& found = at(key);
    return found.type() == Type::integer ? found.integer() : fallback;
}

bool Value::boolean_of(std::string_view key, bool fallback) const {
    const auto& found = at(key);
    return found.type() == Type::boolean ? found.boolean() : fallback;
}

std::vector<std::string> Value::texts_of(std::string_view key) const {
    std::vector<std::string> texts;
    for (const auto& item : at(key).items()) texts.push_back(item.scalar_text());
    return texts;
}

std::string Value::scalar_text() const {
    switch (type_) {
        case Type::boolean: return boolean() ? "true" : "false";
        case Type::integer: return std::to_string(number_.integer);
        case Type::real: return format_real(number_.real);
        case Type::text: return text_;
        default: return {};
    }
}

Failure Value::error(std::string_view path, std::string_view message, Kind kind) const {
    const auto place = mark_.file ? std::format("{}:{}: ", *mark_.file, mark_.line) : std::string();
    return fail(kind, "{}{}{}{}", place, path, path.empty() ? "" : ": ", message);
}

bool Value::operator==(const Value& other) const {
    if (type_ != other.type_ || text_ != other.text_ || items_ != other.items_) return false;
    if (members().size() != other.members().size()) return false;
    for (const auto& [key, value] : members()) {
        const auto* found = other.find(key);
        if (found == nullptr || !(*found == value)) return false;
    }
    return type_ == Type::real ? number_.real == other.number_.real : number_.integer == other.number_.integer;
}

std::string_view describe(Value::Type type) noexcept {
    switch (type) {
        case Value::Type::null: return "nothing";
        case Value::Type::boolean: return "a boolean";
        case Value::Type::integer: return "a whole number";
        case Value::Type::real: return "a number";
        case Value::Type::text: return "text";
        case Value::Type::list: return "a list";
        case Value::Type::map: return "a mapping";
    }
    return "";
}

std::string format_real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e21);
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   plain ? std::chars_format::fixed : std::chars_format::scientific);
    return std::string(buffer.data(), end.ptr);
}

}  // namespace diatom
