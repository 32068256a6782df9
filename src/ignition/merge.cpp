#include "ignition/merge.h"

#include <algorithm>
#include <map>
#include <ranges>

namespace diatom::ignition {
namespace {

Value merge_objects(const Value& parent, const Value& child, const Type& type);

// Where the entries of the child's lists of one family stand.
struct Place {
    const Key* key;
    const Value* entry;
};
using Places = std::map<std::pair<std::string_view, std::string>, Place>;

std::string_view family_of(const Key& key) { return key.family.empty() ? key.name : key.family; }

Places places_of(const Value& object, const Type& type) {
    Places places;
    for (const auto& key : type.keys) {
        const auto* list = object.find(key.name);
        if (list == nullptr || key.type->form != Form::list || key.type->same == Same::never) continue;
        for (const auto& entry : list->items()) {
            places.insert_or_assign({family_of(key), identity(*key.type, entry)}, Place{&key, &entry});
        }
    }
    return places;
}

// A header without a value takes the parent's away.
bool takes_away(const Key& key, const Value& entry) { return key.name == "httpHeaders" && !entry.has("value"); }

Value merge_lists(const Value& parent, const Value& child, const Key& key, const Places& theirs) {
    auto list = Value::list();
    list.set_mark(child.is_list() ? child.mark() : parent.mark());
    if (key.type->same == Same::never) {
        for (const auto* source : {&parent, &child}) {
            for (const auto& entry : source->items()) list.add(entry);
        }
        return list;
    }
    std::map<std::string, bool> mine;
    for (const auto& entry : parent.items()) {
        const auto which = identity(*key.type, entry);
        mine.emplace(which, true);
        const auto found = theirs.find({family_of(key), which});
        if (found == theirs.end()) {
            list.add(entry);
        } else if (found->second.key == &key && !takes_away(key, *found->second.entry)) {
            const bool objects = key.type->item->form == Form::object;
            list.add(objects ? merge_objects(entry, *found->second.entry, *key.type->item) : *found->second.entry);
        }
    }
    for (const auto& entry : child.items()) {
        if (!mine.contains(identity(*key.type, entry))) list.add(entry);
    }
    return list;
}

Value merge_objects(const Value& parent, const Value& child, const Type& type) {
    if (type.keys.empty()) return child;
    const auto theirs = places_of(child, type);
    auto merged = Value::map();
    merged.set_mark(child.mark());
    for (const auto& key : type.keys) {
        const auto* below = parent.find(key.name);
        const auto* above = child.find(key.name);
        if (below == nullptr && above == nullptr) continue;
        if (key.type->form == Form::list) {
            auto list = merge_lists(parent.at(key.name), child.at(key.name), key, theirs);
            if (!list.items().empty()) merged.set(key.name, std::move(list));
        } else if (key.type->form == Form::object && below != nullptr && above != nullptr) {
            merged.set(key.name, merge_objects(*below, *above, *key.type));
        } else {
            merged.set(key.name, above != nullptr ? *above : *below);
        }
    }
    return merged;
}

}  // namespace

Value merge(const Value& parent, const Value& child) {
    auto merged = merge_objects(parent, child, config_type());
    const auto& ours = parent.at("ignition").at("version");
    // "3.1.0" to "3.5.0" stand in the order of their texts.
    if (ours.text() > merged.at("ignition").text_of("version")) merged.find("ignition")->set("version", ours);
    return merged;
}

}  // namespace diatom::ignition
