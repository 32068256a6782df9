#include "cli/config_show.h"

#include <algorithm>
#include <format>
#include <map>

#include "base/json.h"
#include "machine/check.h"

namespace diatom::cli {
namespace {

using machine::Path;

void collect(const Value& value, const Path& path, std::map<std::string, std::string>& leaves) {
    if (value.is_map() && !value.members().empty()) {
        for (const auto& [key, member] : value.members()) collect(member, path / key, leaves);
    } else if (value.is_list() && !value.items().empty()) {
        for (std::size_t i = 0; i < value.items().size(); ++i) collect(value.items()[i], path.item(i), leaves);
    } else if (!path.empty()) {
        leaves[path.text()] = to_json(value, JsonStyle::compact);
    }
}

// What stands at the path with its secrets hidden: a type knows its secrets only from the root.
Value hidden(const Value& value, const Path& path) {
    auto document = Value::map();
    if (path.empty()) return machine::without_secrets(value);
    // An item of a list has no place in an empty document: the whole list is asked for.
    if (auto set = path.set(document, value); !set) return Value::of("(not shown)");
    const auto shown = machine::without_secrets(document);
    const auto* found = path.find(shown);
    return found != nullptr ? *found : Value();
}

}  // namespace

std::string show_value(const Value& value, bool json) {
    if (json) return to_json(value, JsonStyle::indented) + "\n";
    if (!value.is_map() && !value.is_list()) return value.scalar_text() + "\n";
    if (value.is_map() && value.members().empty()) return "{}\n";
    return to_yaml(value);
}

std::string show_opinions(const std::vector<machine::Opinion>& opinions, const Path& path, bool json, bool secrets) {
    Json list = Json::array();
    std::string text;
    for (const auto& opinion : opinions) {
        const auto value = to_json(secrets ? opinion.value : hidden(opinion.value, path), JsonStyle::compact);
        const auto& source = opinion.place.empty() ? opinion.source : opinion.place;
        text += std::format(
            "{} {}  {}{}\n", opinion.holds ? "*" : " ", source, opinion.value.is_null() ? "takes it away" : value,
            opinion.place.empty() || opinion.place.starts_with(opinion.source) ? "" : "  (" + opinion.source + ")");
        list.push_back({{"source", opinion.source},
                        {"place", opinion.place},
                        {"holds", opinion.holds},
                        {"value", Json::parse(value, nullptr, false)}});
    }
    return json ? dump_json(list, 2) + "\n" : text;
}

std::string show_history(const std::vector<machine::Revision>& revisions, bool json) {
    Json list = Json::array();
    std::string text;
    for (const auto& revision : revisions) {
        text += std::format("{:>6}  until {}  {}\n", revision.number, revision.at, revision.why);
        list.push_back({{"number", revision.number}, {"until", revision.at}, {"why", revision.why}});
    }
    return json ? dump_json(list, 2) + "\n" : text;
}

std::string show_differences(const Value& before, const Value& after) {
    std::map<std::string, std::string> old, now;
    collect(before, {}, old);
    collect(after, {}, now);
    std::map<std::string, std::string> lines;
    for (const auto& [path, value] : old) {
        if (const auto it = now.find(path); it == now.end() || it->second != value)
            lines[path] += std::format("- {}: {}\n", path, value);
    }
    for (const auto& [path, value] : now) {
        if (const auto it = old.find(path); it == old.end() || it->second != value)
            lines[path] += std::format("+ {}: {}\n", path, value);
    }
    std::string text;
    for (const auto& [path, line] : lines) text += line;
    return text;
}

}  // namespace diatom::cli
