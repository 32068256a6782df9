#include <algorithm>

#include "base/strings.h"
#include "cloud/rancher.h"
#include "document/yaml_reader.h"
#include "machine/path.h"

namespace diatom::cloud {
namespace {

constexpr std::size_t kMaxDots = 16;

Value scalar_of(std::string_view text, const Mark& mark) {
    text = trim(text);
    const bool quoted = text.size() > 1 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
    auto value = quoted ? Value::of(text.substr(1, text.size() - 2)) : resolve_plain(std::string(text));
    value.set_mark(mark);
    return value;
}

Value value_of(std::string_view text, const Mark& mark) {
    if (!text.starts_with('[') || !text.ends_with(']') || text.size() < 2) return scalar_of(text, mark);
    auto list = Value::list();
    list.set_mark(mark);
    text = text.substr(1, text.size() - 2);
    for (const auto item : split(text, ',')) {
        if (!trim(item).empty()) list.add(scalar_of(item, mark));
    }
    return list;
}

void put(Value& at, std::span<const std::string_view> keys, Value value, const Mark& mark) {
    if (keys.size() == 1) {
        at.set(keys.front(), std::move(value));
        return;
    }
    auto* below = at.find(keys.front());
    if (below == nullptr || !below->is_map()) {
        auto map = Value::map();
        map.set_mark(mark);
        below = &at.set(keys.front(), std::move(map));
    }
    put(*below, keys.subspan(1), std::move(value), mark);
}

}  // namespace

Value rancher_config(std::span<const Parameter> parameters) {
    const Mark mark{std::make_shared<const std::string>("kernel command line"), 1};
    auto config = Value::map();
    config.set_mark(mark);
    for (const auto& [name, value] : parameters) {
        std::string_view key = name;
        if (key.starts_with("cc.")) key.remove_prefix(3);
        else if (!key.starts_with("rancher.")) continue;
        const auto keys = split(key, '.');
        if (keys.size() > kMaxDots || std::ranges::any_of(keys, &std::string_view::empty)) continue;
        put(config, keys, value_of(value.value_or("true"), mark), mark);
    }
    return config;
}

}  // namespace diatom::cloud
