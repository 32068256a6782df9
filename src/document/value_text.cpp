// Values as JSON and as YAML.
#include <algorithm>
#include <array>
#include <cstdio>
#include <format>

#include "base/json.h"
#include "document/value.h"
#include "document/yaml_reader.h"

namespace diatom {
namespace {

void write_break(std::string& out, JsonStyle style, int depth) {
    if (style == JsonStyle::compact) return;
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
}

void write_json_text(std::string& out, const std::string& text, JsonStyle style) {
    const auto quoted = dump_json(Json(text));
    for (std::size_t i = 0; i < quoted.size(); ++i) {
        const char c = quoted[i];
        const bool separator = quoted.compare(i, 2, "\xe2\x80") == 0 && i + 2 < quoted.size() &&
                               (quoted[i + 2] == '\xa8' || quoted[i + 2] == '\xa9');
        if (style == JsonStyle::compact && (c == '<' || c == '>' || c == '&')) {
            out += std::format("\\u{:04x}", static_cast<unsigned>(c));
        } else if (separator) {
            out += quoted[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            out += c;
        }
    }
}

void write_json(std::string& out, const Value& value, JsonStyle style, int depth) {
    switch (value.type()) {
        case Value::Type::null: out += "null"; return;
        case Value::Type::text: write_json_text(out, value.text(), style); return;
        case Value::Type::list: {
            out += '[';
            for (const auto& item : value.items()) {
                if (&item != value.items().data()) out += ',';
                write_break(out, style, depth + 1);
                write_json(out, item, style, depth + 1);
            }
            if (!value.items().empty()) write_break(out, style, depth);
            out += ']';
            return;
        }
        case Value::Type::map: {
            out += '{';
            for (const auto& member : value.members()) {
                if (&member != value.members().data()) out += ',';
                write_break(out, style, depth + 1);
                write_json_text(out, member.first, style);
                out += style == JsonStyle::compact ? ":" : ": ";
                write_json(out, member.second, style, depth + 1);
            }
            if (!value.members().empty()) write_break(out, style, depth);
            out += '}';
            return;
        }
        default: out += value.scalar_text();
    }
}

// Plain only where it reads back as this very text, in YAML 1.1 and 1.2.
bool is_plain(const std::string& text) {
    static constexpr std::array<std::string_view, 8> kOldBooleans{"y", "n", "yes", "no", "on", "off", "=", "<<"};
    if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
    if (std::string_view("-?:,[]{}#&*!|>'\"%@`").contains(text.front())) {
        const bool word = text.size() > 1 && text[1] != ' ' && (text.front() == '-' || text.front() == ':');
        if (!word) return false;
    }
    if (text.contains(": ") || text.contains(" #") || text.contains("\xe2\x80")) return false;
    // YAML 1.1 reads 1:30 as ninety.
    if (text.contains(':') && text.find_first_not_of("0123456789:.-+_") == std::string::npos) return false;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < ' ' || c == 127) return false;
    }
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (std::ranges::find(kOldBooleans, lower) != kOldBooleans.end() || text == "---" || text == "...") return false;
    return resolve_plain(text).is_text();
}

bool is_block(const std::string& text) {
    return text.contains('\n') && text.front() != ' ' && text.front() != '\n' &&
           std::ranges::none_of(text, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\n'); });
}

void write_yaml_text(std::string& out, const std::string& text, int depth) {
    if (is_plain(text)) {
        out += text;
        return;
    }
    if (depth < 0 || !is_block(text)) {
        write_json_text(out, text, JsonStyle::indented);  // JSON's quoting is a part of YAML
        return;
    }
    const auto body = std::string_view(text).substr(0, text.find_last_not_of('\n') + 1);
    const auto ends = text.size() - body.size();
    out += ends == 0 ? "|-" : ends == 1 ? "|" : "|+";
    std::string line(1, '\n');
    line.append(static_cast<std::size_t>(depth) * 2, ' ');
    out += line;
    for (std::size_t i = 0; i < text.size() - (ends > 0 ? 1 : 0); ++i) {
        if (text[i] != '\n') out += text[i];
        else if (i + 1 < text.size() && text[i + 1] != '\n') out += line;
        else out += '\n';
    }
}

void write_yaml(std::string& out, const Value& value, int depth);

bool has_lines(const Value& value) {
    return (value.is_list() && !value.items().empty()) || (value.is_map() && !value.members().empty());
}

void write_yaml_lines(std::string& out, const Value& value, int depth) {
    bool first = true;
    const auto begin_line = [&] {
        if (!first) out.append(static_cast<std::size_t>(depth) * 2, ' ');
        first = false;
    };
    for (const auto& item : value.items()) {
        begin_line();
        out += "- ";
        if (has_lines(item)) {
            write_yaml_lines(out, item, depth + 1);
        } else {
            write_yaml(out, item, depth + 1);
            out += '\n';
        }
    }
    for (const auto& [key, member] : value.members()) {
        begin_line();
        write_yaml_text(out, key, -1);
        out += ':';
        if (has_lines(member)) {
            out += '\n';
            const int next = depth + 1;
            out.append(static_cast<std::size_t>(next) * 2, ' ');
            write_yaml_lines(out, member, next);
        } else {
            out += ' ';
            write_yaml(out, member, depth + 1);
            out += '\n';
        }
    }
}

void write_yaml(std::string& out, const Value& value, int depth) {
    if (value.is_text()) write_yaml_text(out, value.text(), depth);
    else if (value.is_list()) out += "[]";
    else if (value.is_map()) out += "{}";
    else if (value.is_null()) out += "null";
    else out += value.scalar_text();
}

}  // namespace

std::string to_json(const Value& value, JsonStyle style) {
    std::string out;
    write_json(out, value, style, 0);
    return out;
}

std::string to_yaml(const Value& value) {
    std::string out;
    if (has_lines(value)) {
        write_yaml_lines(out, value, 0);
    } else {
        write_yaml(out, value, 0);
        out += '\n';
    }
    return out;
}

}  // namespace diatom
