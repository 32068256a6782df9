#include "document/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "document/yaml_documents.h"

namespace diatom {
namespace {

constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kTrue{"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse{"false", "False", "FALSE"};

bool any_of(std::span<const std::string_view> list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

// 12, 0x1f, 0o17, 017, 0b11, with underscores between the digits.
std::optional<std::int64_t> whole_number(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    int base = 10;
    if (text.size() > 1 && text[0] == '0') {
        const char mark = text[1] | 0x20;
        base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 8;
        text.remove_prefix(mark == 'x' || mark == 'o' || mark == 'b' ? 2 : 1);
    }
    std::uint64_t size = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), size, base);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
}

std::optional<double> decimal_number(std::string_view text) {
    auto rest = text;
    if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest == ".inf" || rest == ".Inf" || rest == ".INF") {
        const double infinity = std::numeric_limits<double>::infinity();
        return text.starts_with('-') ? -infinity : infinity;
    }
    if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
    if (rest.find_first_not_of("0123456789.eE+-") != std::string_view::npos || rest.find_first_of("0123456789") > 1) {
        return std::nullopt;
    }
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

class Reader {
public:
    explicit Reader(const std::string& file) : file_(std::make_shared<const std::string>(file)) {}

    Result<Value> read(const YAML::Node& node, int depth) {
        Value place;
        place.set_mark(mark(node));
        if (++nodes_ > kMaxNodes) return place.error("", "more values than a document may have (aliases count)");
        if (depth > kMaxDepth) return place.error("", "nested too deeply, or an alias that contains itself");
        auto value = TRY(read_node(node, depth));
        value.set_mark(mark(node));
        if (node.Tag() == "!reset") value.set_tag(Tag::reset);
        if (node.Tag() == "!override") value.set_tag(Tag::replace);
        return value;
    }

private:
    Mark mark(const YAML::Node& node) const { return {file_, static_cast<std::uint32_t>(node.Mark().line + 1)}; }

    Result<Value> read_node(const YAML::Node& node, int depth) {
        if (node.IsSequence()) {
            auto list = Value::list();
            for (const auto& item : node) list.add(TRY(read(item, depth + 1)));
            return list;
        }
        if (node.IsMap()) return read_map(node, depth);
        if (!node.IsScalar()) return Value();
        text_ += node.Scalar().size();
        if (text_ > kMaxText) {
            Value place;
            place.set_mark(mark(node));
            return place.error("", "more text than a document may have (aliases count)");
        }
        const auto& tag = node.Tag();
        // "!" stands before what is quoted; of explicit tags only text changes what is read.
        if (tag == "!" || tag.ends_with(":str")) return Value::of(node.Scalar());
        if (tag == "tag:yaml.org,2002:binary") return read_binary(node);
        return resolve_plain(node.Scalar());
    }

    Result<Value> read_binary(const YAML::Node& node) const {
        std::string base64;
        std::ranges::copy_if(node.Scalar(), std::back_inserter(base64), [](char c) { return c != ' ' && c != '\n'; });
        if (auto bytes = decode_base64(base64)) return Value::of(std::move(*bytes));
        Value place;
        place.set_mark(mark(node));
        return place.error("", "what stands after !!binary is not base64");
    }

    Result<Value> read_map(const YAML::Node& node, int depth) {
        auto map = Value::map();
        std::vector<Value> merged;
        for (const auto& entry : node) {
            Value place;
            place.set_mark(mark(entry.first));
            if (!entry.first.IsScalar()) return place.error("", "a key must be text");
            const auto& key = entry.first.Scalar();
            auto value = TRY(read(entry.second, depth + 1));
            if (value.is_null()) value.set_mark(place.mark());  // what is not there has the place of what follows
            if (key == "<<" && entry.first.Tag() != "!") {
                TRY(collect_merged(value, merged));
                continue;
            }
            if (entry.first.Tag() != "!" && !resolve_plain(key).is_text()) {
                return place.error("", std::format("the key {} is no text: write \"{}\"", key, key));
            }
            if (map.has(key)) return place.error("", std::format("the key \"{}\" stands here twice", key));
            map.set(key, std::move(value));
        }
        for (const auto& source : merged) {
            for (const auto& [key, value] : source.members()) {
                if (!map.has(key)) map.set(key, value);
            }
        }
        return map;
    }

    static Result<void> collect_merged(Value& value, std::vector<Value>& merged) {
        if (value.is_map()) {
            merged.push_back(std::move(value));
            return {};
        }
        if (!value.is_list()) return value.error("<<", "must be a mapping, or a list of mappings");
        for (auto& item : value.items()) {
            if (!item.is_map()) return item.error("<<", "must be a list of mappings");
            merged.push_back(std::move(item));
        }
        return {};
    }

    std::shared_ptr<const std::string> file_;
    std::size_t nodes_ = 0, text_ = 0;
};

constexpr std::size_t kMaxDocuments = 1000;

Result<std::vector<Value>> read_documents(std::string_view text, const std::string& file, bool only_mappings) {
    if (text.size() > kMaxDocument) {
        return fail(Kind::exhausted, "{}: larger than a document may be ({})", file, format_bytes(kMaxDocument));
    }
    const auto nodes = TRY(load_documents(std::string(text), file, kMaxDocuments));
    try {
        std::vector<Value> documents;
        Reader reader(file);
        for (const auto& node : nodes) {
            auto document = TRY(reader.read(node, 0));
            if (document.is_null()) continue;
            if (only_mappings && !document.is_map()) return document.error("", "the document must be a mapping");
            documents.push_back(std::move(document));
        }
        return documents;
    } catch (const YAML::Exception& e) {
        return fail(Kind::invalid, "{}:{}: not valid YAML: {}", file, e.mark.line + 1, e.msg);
    }
}

}  // namespace

Value resolve_plain(const std::string& text) {
    if (any_of(kNulls, text)) return {};
    if (any_of(kTrue, text)) return Value::of(true);
    if (any_of(kFalse, text)) return Value::of(false);
    const char first = text.front();
    if ((first < '0' || first > '9') && first != '-' && first != '+' && first != '.') return Value::of(text);
    std::string digits;
    std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '_'; });
    if (const auto number = whole_number(digits)) return Value::of(*number);
    if (const auto number = decimal_number(digits)) return Value::of(*number);
    return Value::of(text);
}

Result<std::vector<Value>> read_yaml(std::string_view text, const std::string& file) {
    return read_documents(text, file, true);
}

Result<std::vector<Value>> read_yaml_values(std::string_view text, const std::string& file) {
    return read_documents(text, file, false);
}

}  // namespace diatom
