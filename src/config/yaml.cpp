#include "config/yaml.h"

#include <algorithm>

#include "base/strings.h"
#include "document/yaml_documents.h"
#include "sys/clock.h"

namespace diatom::config {

Result<YAML::Node> parse_yaml(std::string_view text, const std::string& file) {
    if (text.size() > kMaxYaml) return fail(Kind::exhausted, "{}: larger than {}", file, format_bytes(kMaxYaml));
    const auto documents = TRY(load_documents(std::string(text), file, 1));
    return documents.empty() ? YAML::Node(YAML::NodeType::Null) : documents.front();
}

YamlView YamlView::member(const std::string& key) const {
    // A const Node does not create the member it is asked for.
    const YAML::Node& node = node_;
    if (!node.IsMap()) return {YAML::Node(YAML::NodeType::Null), *file_};
    const YAML::Node found = node[key];
    return {found.IsDefined() ? found : YAML::Node(YAML::NodeType::Null), *file_};
}

Failure YamlView::error(Kind kind, std::string_view message) const {
    return fail(kind, "{}:{}: {}", *file_, node_.Mark().line + 1, message);
}

Result<void> YamlView::check_keys(std::string_view what, std::span<const std::string_view> known) const {
    auto found = TRY(members(what));
    for (const auto& [key, value] : found) {
        if (key.starts_with("x-") || std::ranges::find(known, key) != known.end()) continue;
        const auto near = nearest(key, known);
        return value.error(Kind::invalid,
                           near ? std::format("{}: unknown key \"{}\", did you mean \"{}\"?", what, key, *near)
                                : std::format("{}: unknown key \"{}\"", what, key));
    }
    return {};
}

Result<std::vector<std::pair<std::string, YamlView>>> YamlView::members(std::string_view what) const {
    std::vector<std::pair<std::string, YamlView>> list;
    if (!present()) return list;
    if (!is_map()) return error(Kind::invalid, std::format("{} must be a mapping", what));
    for (const auto& entry : node_) {
        if (!entry.first.IsScalar()) return error(Kind::invalid, std::format("{}: a key must be text", what));
        list.emplace_back(entry.first.Scalar(), YamlView(entry.second, *file_));
    }
    return list;
}

Result<std::vector<YamlView>> YamlView::items(std::string_view what) const {
    std::vector<YamlView> list;
    if (!present()) return list;
    if (!is_list()) return error(Kind::invalid, std::format("{} must be a list", what));
    for (const auto& entry : node_) list.emplace_back(entry, *file_);
    return list;
}

Result<std::string> YamlView::text(std::string_view what) const {
    if (!present()) return std::string();
    if (!is_scalar()) return error(Kind::invalid, std::format("{} must be text", what));
    return node_.Scalar();
}

Result<bool> YamlView::boolean(std::string_view what) const {
    bool value = false;
    if (!present()) return value;
    if (!is_scalar() || !YAML::convert<bool>::decode(node_, value)) {
        return error(Kind::invalid, std::format("{} must be true or false", what));
    }
    return value;
}

Result<std::int64_t> YamlView::integer(std::string_view what) const {
    const auto value = is_scalar() ? parse_int(node_.Scalar()) : std::nullopt;
    if (!value) return error(Kind::invalid, std::format("{} must be a whole number", what));
    return *value;
}

Result<std::int64_t> YamlView::duration_ns(std::string_view what) const {
    const auto value = is_scalar() ? sys::parse_duration(node_.Scalar()) : std::nullopt;
    if (!value || *value < 0) return error(Kind::invalid, std::format("{} must be a duration such as 1m30s", what));
    return *value;
}

Result<std::vector<std::string>> YamlView::texts(std::string_view what) const {
    std::vector<std::string> list;
    if (is_scalar()) {
        list.push_back(node_.Scalar());
        return list;
    }
    auto found = TRY(items(what));
    for (const auto& item : found) list.push_back(TRY(item.text(what)));
    return list;
}

Result<std::map<std::string, std::string>> YamlView::text_map(std::string_view what) const {
    std::map<std::string, std::string> map;
    if (is_map()) {
        auto found = TRY(members(what));
        for (const auto& [key, value] : found) map[key] = TRY(value.text(what));
        return map;
    }
    auto found = TRY(items(what));
    for (const auto& item : found) {
        const std::string entry = TRY(item.text(what));
        const auto halves = cut(entry, '=');
        map[std::string(halves ? halves->first : entry)] = halves ? halves->second : std::string_view();
    }
    return map;
}

}  // namespace diatom::config
