#include "cloud/notes.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::cloud {

void Notes::add(Warning::Kind kind, const Value& at, const machine::Path& path, std::string_view message) {
    if (warnings_.size() >= kMaxWarnings) return;
    const auto& mark = at.mark();
    if (warnings_.size() + 1 == kMaxWarnings) message = "here, and at more places than are told";
    auto key = path.text();
    auto text = at.error(key, message).error().what();
    warnings_.push_back({kind, mark.file ? *mark.file : std::string(), mark.line, std::move(key), std::move(text)});
}

void Notes::wrong(const Value& at, const machine::Path& path, std::string_view wanted) {
    add(Warning::Kind::wrong_value, at, path, std::format("must be {}, not {}", wanted, describe(at.type())));
}

void Notes::refuse(const Value& at, const machine::Path& path, std::string_view why) {
    add(Warning::Kind::no_meaning, at, path, why);
}

void Notes::bad(const Value& at, const machine::Path& path, std::string_view why) {
    add(Warning::Kind::wrong_value, at, path, why);
}

void Notes::check_keys(const Value& map, const machine::Path& path, std::span<const Known> known) {
    for (const auto& [key, value] : map.members()) {
        if (warnings_.size() >= kMaxWarnings) return;
        const auto found = std::ranges::find(known, underscored(key), &Known::name);
        if (found != known.end()) {
            if (!found->answer.empty() && !value.is_null()) refuse(value, path / key, found->answer);
            continue;
        }
        std::vector<std::string_view> names;
        for (const auto& one : known) names.push_back(one.name);
        const auto near = nearest(underscored(key), names);
        add(Warning::Kind::unknown_key, value, path / key,
            near ? std::format("unknown key: did you mean \"{}\"?", *near) : std::string("unknown key"));
    }
}

void Notes::append(std::vector<Warning> others) {
    warnings_.insert(warnings_.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
}

std::string underscored(std::string_view key) {
    std::string text(key);
    std::ranges::replace(text, '-', '_');
    return text;
}

}  // namespace diatom::cloud
