#include "machine/path.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::machine {
namespace {

std::optional<std::size_t> index_of(std::string_view part) {
    if (!part.starts_with('[') || !part.ends_with(']')) return std::nullopt;
    return parse_uint(part.substr(1, part.size() - 2));
}

bool is_plain(std::string_view key) {
    return !key.empty() && key.find_first_of(".[]\"\\ \t") == std::string_view::npos;
}

std::string quoted(std::string_view key) {
    std::string text = "\"";
    for (const char c : key) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

// Takes the key that the text begins with.
Result<std::string> take_quoted(std::string_view& text) {
    std::string key;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return key;
        }
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        key += text[i];
    }
    return fail(Kind::invalid, "{}: the quote is not closed", text);
}

Value* step(Value& value, std::string_view part) {
    const auto index = index_of(part);
    if (!index) return value.find(part);
    return value.is_list() && *index < value.items().size() ? &value.items()[*index] : nullptr;
}

bool erase_below(Value& value, std::span<const std::string> parts) {
    const auto& part = parts.front();
    auto* below = step(value, part);
    if (below == nullptr) return false;
    if (parts.size() > 1) {
        if (!erase_below(*below, parts.subspan(1))) return false;
        const bool is_empty = below->is_map() ? below->members().empty() : below->is_list() && below->items().empty();
        if (!is_empty) return true;
    }
    if (const auto index = index_of(part))
        value.items().erase(value.items().begin() + static_cast<std::ptrdiff_t>(*index));
    else value.erase(part);
    return true;
}

}  // namespace

Result<Path> Path::parse(std::string_view text) {
    const std::string whole(text);
    std::vector<std::string> parts;
    while (!text.empty()) {
        if (text.front() == '[') {
            const auto end = text.find(']');
            const auto part = text.substr(0, end == std::string_view::npos ? end : end + 1);
            if (parts.empty() || !index_of(part))
                return fail(Kind::invalid, "{}: in brackets stands the number of a list's item", whole);
            parts.emplace_back(part);
            text.remove_prefix(part.size());
        } else if (text.front() == '"') {
            parts.push_back(TRY(take_quoted(text), "{}", whole));
        } else {
            const auto key = text.substr(0, text.find_first_of(".["));
            parts.emplace_back(key);
            text.remove_prefix(key.size());
        }
        if (parts.back().empty()) return fail(Kind::invalid, "{}: a key is empty", whole);
        if (text.empty() || text.front() == '[') continue;
        if (text.front() != '.' || text.size() == 1)
            return fail(Kind::invalid, "{}: keys are separated by dots", whole);
        text.remove_prefix(1);
    }
    return Path(std::move(parts));
}

Path Path::operator/(std::string_view key) const {
    auto parts = parts_;
    parts.emplace_back(key);
    return Path(std::move(parts));
}

Path Path::item(std::size_t index) const { return *this / std::format("[{}]", index); }

std::string Path::text() const {
    std::string text;
    for (const auto& part : parts_) {
        if (index_of(part)) {
            text += part;
            continue;
        }
        if (!text.empty()) text += '.';
        text += is_plain(part) ? part : quoted(part);
    }
    return text;
}

const Value* Path::find(const Value& document) const {
    // Stepping changes nothing.
    auto* at = const_cast<Value*>(&document);
    for (const auto& part : parts_) {
        at = step(*at, part);
        if (at == nullptr) return nullptr;
    }
    return at;
}

Result<void> Path::set(Value& document, Value value) const {
    Value* at = &document;
    for (const auto& part : parts_) {
        if (index_of(part)) {
            at = step(*at, part);
            if (at == nullptr) return fail(Kind::invalid, "{}: the list has no such item", text());
            continue;
        }
        if (!at->is_null() && !at->is_map())
            return fail(Kind::invalid, "{}: \"{}\" is no mapping that could have this key", text(), at->scalar_text());
        auto* below = at->find(part);
        at = below != nullptr ? below : &at->set(part, Value());
    }
    *at = std::move(value);
    return {};
}

bool Path::erase(Value& document) const { return !parts_.empty() && erase_below(document, parts_); }

}  // namespace diatom::machine
