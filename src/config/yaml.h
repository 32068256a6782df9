// Strict, typed reading of YAML mappings with errors that carry file and line.
// Thread side: any. For the decoders of this folder only.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::config {

// A document larger than this is refused.
inline constexpr std::size_t kMaxYaml = 1U << 20U;

// A second document is refused: what it says would be ignored. So does cloud-init, whose loader takes one.
Result<YAML::Node> parse_yaml(std::string_view text, const std::string& file);

// One node and the document it stands in.
class YamlView {
public:
    YamlView(const YAML::Node& node, const std::string& file) : node_(node), file_(&file) {}

    bool present() const { return node_.IsDefined() && !node_.IsNull(); }
    bool is_map() const { return node_.IsMap(); }
    bool is_list() const { return node_.IsSequence(); }
    bool is_scalar() const { return node_.IsScalar(); }
    YamlView member(const std::string& key) const;

    // An error of this node: "FILE:LINE: message".
    Failure error(Kind kind, std::string_view message) const;

    // Every key must be one of `known`, or begin with "x-" as Compose's extensions do.
    Result<void> check_keys(std::string_view what, std::span<const std::string_view> known) const;
    Result<std::vector<std::pair<std::string, YamlView>>> members(std::string_view what) const;
    Result<std::vector<YamlView>> items(std::string_view what) const;

    Result<std::string> text(std::string_view what) const;
    Result<bool> boolean(std::string_view what) const;
    Result<std::int64_t> integer(std::string_view what) const;
    Result<std::int64_t> duration_ns(std::string_view what) const;        // "1m30s"
    Result<std::vector<std::string>> texts(std::string_view what) const;  // a list, or one scalar
    // A mapping, or a list of "KEY=VALUE".
    Result<std::map<std::string, std::string>> text_map(std::string_view what) const;

private:
    YAML::Node node_;
    const std::string* file_;
};

}  // namespace diatom::config
