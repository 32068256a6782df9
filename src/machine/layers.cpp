#include "machine/layers.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::machine {
namespace {

const Type* type_at(const Path& path) {
    const Type* type = &machine_type();
    for (const auto& part : path.parts()) {
        if (type == nullptr) return nullptr;
        type = part.starts_with('[') ? type->item : member_type(*type, part);
    }
    return type;
}

std::string place_of(const Value& value) {
    const auto& mark = value.mark();
    if (!mark.file) return {};
    return mark.line == 0 ? *mark.file : std::format("{}:{}", *mark.file, mark.line);
}

// What a document says of a path: the value itself, or a null further up that takes it away with all beside it.
const Value* opinion_of(const Value& document, const Path& path) {
    const Value* at = &document;
    for (const auto& part : path.parts()) {
        if (at->is_null()) return at;
        at = Path({part}).find(*at);
        if (at == nullptr) return nullptr;
    }
    return at;
}

bool are_joined(const Value& value, const Type* type) {
    if (type == nullptr) return false;
    return value.is_map() ? type->form != Form::compose : value.is_list() && type->merge == Merge::append;
}

}  // namespace

Result<Path> parse_path(std::string_view text) {
    auto written = TRY(Path::parse(text));
    const auto& parts = written.parts();
    const Type* type = &machine_type();
    for (std::size_t i = 0; i < parts.size() && type != nullptr; ++i) {
        const bool of_texts = type->form == Form::map && type->item->form == Form::text;
        if (of_texts && i + 1 < parts.size()) {
            std::vector<std::string> joined(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(i));
            joined.push_back(join(std::span(parts).subspan(i), "."));
            return Path(std::move(joined));
        }
        type = parts[i].starts_with('[') ? type->item : member_type(*type, parts[i]);
    }
    return written;
}

Value merge(Value lower, const Value& higher, const Type& type) {
    const bool is_deep = type.form == Form::map || type.form == Form::object;
    if (is_deep && lower.is_map() && higher.is_map()) {
        for (const auto& [key, value] : higher.members()) {
            const auto* below = member_type(type, key);
            auto* old = lower.find(key);
            if (value.is_null()) lower.erase(key);
            else if (old == nullptr || below == nullptr)
                lower.set(key, merge({}, value, below != nullptr ? *below : Type{}));
            else *old = merge(std::move(*old), value, *below);
        }
        return lower;
    }
    if (type.form == Form::list && type.merge == Merge::append && lower.is_list() && higher.is_list()) {
        for (const auto& item : higher.items()) {
            if (!std::ranges::contains(lower.items(), item)) lower.add(item);
        }
        return lower;
    }
    // What stands on nothing loses its nulls all the same.
    if (is_deep && higher.is_map() && !lower.is_map()) {
        auto empty = Value::map();
        empty.set_mark(higher.mark());
        return merge(std::move(empty), higher, type);
    }
    return higher;
}

void Layers::add(std::string source, Value document) { layers_.push_back({std::move(source), std::move(document)}); }

void Layers::replace(std::string_view source, Value document) {
    const auto found = std::ranges::find(layers_, source, &Layer::source);
    if (found != layers_.end()) found->document = std::move(document);
}

Value Layers::merged() const {
    auto whole = Value::map();
    for (const auto& layer : layers_) whole = merge(std::move(whole), layer.document);
    return whole;
}

std::vector<Opinion> Layers::why(const Path& path) const {
    const auto* type = type_at(path);
    std::vector<Opinion> opinions;
    for (const auto& layer : layers_) {
        const auto* value = opinion_of(layer.document, path);
        if (value == nullptr) continue;
        if (!are_joined(*value, type)) {
            for (auto& lower : opinions) lower.holds = false;
        }
        opinions.push_back({layer.source, place_of(*value), *value, !value->is_null()});
    }
    return opinions;
}

}  // namespace diatom::machine
