#include "cloud/merge_how.h"

#include <algorithm>

#include "base/strings.h"
#include "cloud/notes.h"

namespace diatom::cloud {
namespace {

bool has(const Merger& merger, std::string_view option) { return std::ranges::contains(merger.options, option); }

class Merging {
public:
    explicit Merging(const Mergers& mergers) : mergers_(mergers) {}

    Value merge(Value value, const Value& with) const {
        const auto* merger = merger_of(value);
        if (merger == nullptr) return value;
        if (value.is_map()) return merge_maps(std::move(value), with, *merger);
        if (value.is_list()) return merge_lists(value, with, *merger);
        if (!has(*merger, "append") || !with.is_text()) return with;
        auto text = Value::of(value.text() + with.text());
        text.set_mark(with.mark());
        return text;
    }

private:
    const Merger* merger_of(const Value& value) const {
        const auto name = value.is_map() ? "dict" : value.is_list() ? "list" : value.is_text() ? "str" : "";
        const auto found = std::ranges::find(mergers_, name, &Merger::name);
        return found == mergers_.end() ? nullptr : &*found;
    }

    // Whether what two mappings or lists both have is looked into.
    static bool recurses(const Merger& merger, const Value& with) {
        if (with.is_list()) return has(merger, "recurse_list") || has(merger, "recurse_array");
        if (with.is_text()) return has(merger, "recurse_str");
        return with.is_map() && (merger.name == "dict" || has(merger, "recurse_dict"));
    }

    Value merge_maps(Value value, const Value& with, const Merger& merger) const {
        for (const auto& [key, later] : with.members()) {
            auto* earlier = value.find(key);
            if (earlier == nullptr) value.set(key, later);
            else if (later.is_null() && has(merger, "allow_delete")) value.erase(key);
            else if (has(merger, "replace")) *earlier = later;
            else if (recurses(merger, later)) *earlier = merge(std::move(*earlier), later);
        }
        return value;
    }

    Value merge_lists(const Value& value, const Value& with, const Merger& merger) const {
        const bool appends = has(merger, "append");
        const bool prepends = !appends && has(merger, "prepend");
        const bool keeps = !appends && !prepends && !has(merger, "replace") && has(merger, "no_replace");
        if (!with.is_list()) return appends || prepends || keeps ? value : with;
        auto list = Value::list();
        list.set_mark(with.mark());
        if (prepends) list.items() = with.items();
        list.items().insert(list.items().end(), value.items().begin(), value.items().end());
        if (appends) list.items().insert(list.items().end(), with.items().begin(), with.items().end());
        if (appends || prepends || keeps) return list;
        // Items of the same number are replaced; the list becomes no longer.
        for (std::size_t i = 0; i < std::min(list.items().size(), with.items().size()); ++i) {
            auto& item = list.items()[i];
            const auto& later = with.items()[i];
            item = recurses(merger, later) ? merge(std::move(item), later) : later;
        }
        return list;
    }

    const Mergers& mergers_;
};

Result<Merger> checked(Merger merger) {
    if (merger.name.starts_with("m_")) merger.name.erase(0, 2);
    if (merger.name != "dict" && merger.name != "list" && merger.name != "str")
        return fail(Kind::invalid, "merge_how: \"{}\" is none of dict, list and str", merger.name);
    return merger;
}

Result<Mergers> mergers_of(const Value& value) {
    if (value.is_text()) return parse_merge_how(value.text());
    if (!value.is_list()) return value.error("merge_how", "must be text, or a list of {name, settings}");
    Mergers mergers;
    for (const auto& item : value.items()) {
        Merger merger;
        if (item.is_map()) {
            merger.name = underscored(trim(item.text_of("name")));
            merger.options = item.texts_of("settings");
        } else if (item.is_list() && !item.items().empty()) {
            merger.name = item.items().front().scalar_text();
            for (std::size_t i = 1; i < item.items().size(); ++i)
                merger.options.push_back(item.items()[i].scalar_text());
        } else {
            return item.error("merge_how", "must be {name, settings}");
        }
        mergers.push_back(TRY(checked(std::move(merger))));
    }
    return mergers;
}

}  // namespace

Result<Mergers> parse_merge_how(std::string_view text) {
    Mergers mergers;
    for (const auto part : split(text, '+')) {
        const auto word = underscored(to_lower(trim(part)));
        if (word.empty()) continue;
        const auto open = word.find('(');
        if (open == std::string::npos || !word.ends_with(')'))
            return fail(Kind::invalid, "merge_how: \"{}\" is not like list(append)", word);
        Merger merger{word.substr(0, open), {}};
        const auto options = std::string_view(word).substr(open + 1, word.size() - open - 2);
        for (const auto option : split(options, ',')) {
            if (!trim(option).empty()) merger.options.emplace_back(trim(option));
        }
        mergers.push_back(TRY(checked(std::move(merger))));
    }
    return mergers;
}

Result<Mergers> take_merge_how(Value& config, std::string_view header) {
    Mergers mergers;
    for (const auto* key : {"merge_how", "merge_type"}) {
        const auto* said = config.find(key);
        if (said == nullptr || said->is_null()) continue;
        mergers = TRY(mergers_of(*said));
        break;
    }
    config.erase("merge_how");
    config.erase("merge_type");
    for (auto& merger : TRY(parse_merge_how(header))) mergers.push_back(std::move(merger));
    if (mergers.empty()) mergers = {{"dict", {"replace"}}, {"list", {}}, {"str", {}}};
    return mergers;
}

Value merge_configs(Value earlier, const Value& later, const Mergers& mergers) {
    return Merging(mergers).merge(std::move(earlier), later);
}

Value merge_below(Value user, const Value& vendor) {
    const Mergers mergers{{"list", {}}, {"dict", {}}, {"str", {}}};
    return Merging(mergers).merge(std::move(user), vendor);
}

}  // namespace diatom::cloud
