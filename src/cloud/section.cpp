#include "cloud/section.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace diatom::cloud {
namespace {

constexpr std::array<std::string_view, 5> kYes{"true", "yes", "on", "y", "1"};
constexpr std::array<std::string_view, 5> kNo{"false", "no", "off", "n", "0"};

bool is_scalar(const Value& value) { return !value.is_list() && !value.is_map() && !value.is_null(); }

Value split_text(const Value& from, std::string_view separators) {
    auto list = placed(Value::list(), from);
    const auto text = from.scalar_text();
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = std::min(rest.find_first_of(separators), rest.size());
        if (const auto word = trim(rest.substr(0, end)); !word.empty()) list.add(placed(Value::of(word), from));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return list;
}

}  // namespace

std::optional<bool> truth(const Value& value) {
    if (!is_scalar(value)) return std::nullopt;
    const auto text = to_lower(value.scalar_text());
    if (std::ranges::contains(kYes, text)) return true;
    if (std::ranges::contains(kNo, text)) return false;
    return std::nullopt;
}

std::optional<std::int64_t> whole(const Value& value) {
    if (value.type() == Value::Type::integer) return value.integer();
    return value.is_text() ? parse_int(trim(value.text())) : std::nullopt;
}

Value placed(Value made, const Value& from) {
    made.set_mark(from.mark());
    return made;
}

bool Section::expect(std::span<const Known> known) const {
    if (!value_->is_map()) {
        if (!value_->is_null()) notes_->wrong(*value_, path_, "a mapping");
        return false;
    }
    notes_->check_keys(*value_, path_, known);
    return true;
}

const Value* Section::find(std::string_view key) const {
    for (const auto& [name, value] : value_->members()) {
        if (underscored(name) == key && !value.is_null()) return &value;
    }
    return nullptr;
}

std::optional<std::string> Section::text(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!is_scalar(*value)) {
        notes_->wrong(*value, at(key), "text");
        return std::nullopt;
    }
    // 0755 is 493 by now: who means digits has to be told.
    if (!value->is_text())
        bad(key,
            std::format("must be text, not {}: taken as YAML reads it; put it in quotes", describe(value->type())));
    return value->scalar_text();
}

std::optional<bool> Section::flag(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    const auto answer = truth(*value);
    if (!answer) notes_->wrong(*value, at(key), "true or false");
    return answer;
}

std::optional<std::int64_t> Section::number(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    const auto number = whole(*value);
    if (!number) notes_->wrong(*value, at(key), "a whole number");
    return number;
}

std::optional<Value> Section::texts(std::string_view key, std::string_view separators) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    auto list = placed(Value::list(), *value);
    if (value->is_list()) {
        for (std::size_t i = 0; i < value->items().size(); ++i) {
            const auto& item = value->items()[i];
            if (is_scalar(item)) list.add(placed(Value::of(item.scalar_text()), item));
            else if (!item.is_null()) notes_->wrong(item, at(key).item(i), "text");
        }
        return list;
    }
    if (!is_scalar(*value)) {
        notes_->wrong(*value, at(key), "a list of texts");
        return std::nullopt;
    }
    if (!separators.empty()) return split_text(*value, separators);
    list.add(placed(Value::of(value->scalar_text()), *value));
    return list;
}

void Section::text_to(std::string_view key, Value& target, std::string_view name) const {
    if (auto read = text(key)) target.set(name, placed(Value::of(std::move(*read)), *find(key)));
}

void Section::flag_to(std::string_view key, Value& target, std::string_view name) const {
    if (const auto read = flag(key)) target.set(name, placed(Value::of(*read), *find(key)));
}

void Section::number_to(std::string_view key, Value& target, std::string_view name) const {
    if (const auto read = number(key)) target.set(name, placed(Value::of(*read), *find(key)));
}

void Section::texts_to(std::string_view key, Value& target, std::string_view name, std::string_view separators) const {
    if (auto read = texts(key, separators)) target.set(name, std::move(*read));
}

std::optional<Section> Section::below(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_map()) {
        notes_->wrong(*value, at(key), "a mapping");
        return std::nullopt;
    }
    return Section(*value, at(key), *notes_);
}

void Section::each(std::string_view key,
                   const std::function<void(const Value& item, const machine::Path& path)>& see) const {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (!value->is_list()) return notes_->wrong(*value, at(key), "a list");
    for (std::size_t i = 0; i < value->items().size(); ++i) see(value->items()[i], at(key).item(i));
}

void Section::refuse(std::string_view key, std::string_view why) const {
    if (const auto* value = find(key)) notes_->refuse(*value, at(key), why);
}

void Section::bad(std::string_view key, std::string_view why) const {
    if (const auto* value = find(key)) notes_->bad(*value, at(key), why);
}

}  // namespace diatom::cloud
