#include "compose/merge.h"

#include <algorithm>

#include "base/strings.h"
#include "compose/expand.h"

namespace diatom::compose {
namespace {

bool is_extension(std::string_view key) { return key.starts_with("x-"); }

Result<void> merge_maps(Value& base, Value over, const Type* type, const std::string& path) {
    for (auto& [key, value] : over.members()) {
        auto* found = base.find(key);
        const auto* below = type != nullptr ? member_type(*type, key) : nullptr;
        const bool is_pair = type != nullptr && type->form == Form::pairs;
        if (found == nullptr || is_extension(key) || is_pair) base.set(key, std::move(value));
        else TRY(merge(*found, std::move(value), below, child_path(path, key)));
    }
    return {};
}

// A pool for a subnet that is there already is merged with it; the others are new.
Result<void> merge_pools(Value& base, Value over, const Type& type, const std::string& path) {
    for (auto& pool : over.items()) {
        const auto same = std::ranges::find_if(
            base.items(), [&](const Value& known) { return known.at("subnet") == pool.at("subnet"); });
        if (same == base.items().end()) base.add(std::move(pool));
        else TRY(merge(*same, std::move(pool), type.item, path));
    }
    return {};
}

std::string same_as(const Value& item, Same same) {
    if (same == Same::text || !item.is_map()) {
        const auto text = item.scalar_text();
        const auto halves = same == Same::key ? cut(text, '=') : std::nullopt;
        return std::string(halves ? halves->first : text);
    }
    switch (same) {
        case Same::target:
        case Same::device: return item.at("target").scalar_text();
        case Same::path: return item.text_of("path");
        case Same::secret: return item.text_of("target", "/run/secrets/" + item.text_of("source"));
        case Same::config: return item.text_of("target", "/" + item.text_of("source"));
        case Same::port:
            return std::format("{}:{}:{}/{}", item.text_of("host_ip", "0.0.0.0"), item.at("published").scalar_text(),
                               item.at("target").scalar_text(), item.text_of("protocol", "tcp"));
        default: return {};
    }
}

void drop_doubles_here(Value& list, Same same) {
    std::vector<std::string> seen;
    std::vector<Value> kept;
    for (auto& item : list.items()) {
        auto what = same_as(item, same);
        const auto found = std::ranges::find(seen, what);
        if (what.empty() || found == seen.end()) {
            seen.push_back(std::move(what));
            kept.push_back(std::move(item));
        } else {
            kept[static_cast<std::size_t>(found - seen.begin())] = std::move(item);
        }
    }
    list.items() = std::move(kept);
}

void take_resets_below(Value& value, KeyPath& path, std::vector<KeyPath>& found) {
    const auto visit = [&](Value& child, std::string key) {
        path.push_back(std::move(key));
        if (child.tag() != Tag::none) found.push_back(path);
        if (child.tag() == Tag::none) take_resets_below(child, path, found);
        path.pop_back();
    };
    if (value.is_map()) {
        for (auto& [key, member] : value.members()) visit(member, key);
        std::erase_if(value.members(), [](const Member& member) { return member.second.tag() == Tag::reset; });
    }
    for (std::size_t i = 0; i < value.items().size(); ++i) visit(value.items()[i], std::to_string(i));
    std::erase_if(value.items(), [](const Value& item) { return item.tag() == Tag::reset; });
}

}  // namespace

Result<void> merge(Value& base, Value over, const Type* type, const std::string& path) {
    const auto rule = type != nullptr ? type->merge : Merge::deep;
    if (rule == Merge::replace) {
        base = std::move(over);
        return {};
    }
    if (over.is_null()) return {};
    const bool differs = (base.is_map() || base.is_list()) && base.type() != over.type();
    if (differs) {
        return over.error(path, std::format("{} cannot be put onto {} of an earlier file", describe(over.type()),
                                            describe(base.type())));
    }
    if (rule == Merge::pools && base.is_list()) return merge_pools(base, std::move(over), *type, path);
    if (rule == Merge::logging && base.has("driver") && over.has("driver") &&
        !(base.at("driver") == over.at("driver"))) {
        base = std::move(over);
        return {};
    }
    if (base.is_map()) return merge_maps(base, std::move(over), type, path);
    if (base.is_list()) {
        for (auto& item : over.items()) base.add(std::move(item));
        return {};
    }
    base = std::move(over);
    return {};
}

void drop_doubles(Value& value, const Type& type) {
    if (value.is_list() && type.form == Form::list) {
        if (type.same != Same::never && type.same != Same::refused) drop_doubles_here(value, type.same);
        return;
    }
    if (!value.is_map() || (type.form != Form::object && type.form != Form::map)) return;
    for (auto& [key, member] : value.members()) {
        if (const auto* below = member_type(type, key)) drop_doubles(member, *below);
    }
}

std::vector<KeyPath> take_resets(Value& document) {
    std::vector<KeyPath> found;
    KeyPath path;
    take_resets_below(document, path, found);
    return found;
}

void drop_path(Value& document, const KeyPath& path) {
    auto* place = &document;
    for (std::size_t i = 0; i + 1 < path.size() && place != nullptr; ++i) place = place->find(path[i]);
    if (place != nullptr && !path.empty()) place->erase(path.back());
}

}  // namespace diatom::compose
