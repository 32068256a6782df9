#include "cloud/mime.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::cloud {
namespace {

// The next line with its end, taken from the front.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    return line;
}

std::uint32_t lines_in(std::string_view text) { return static_cast<std::uint32_t>(std::ranges::count(text, '\n')); }

bool is_header(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    return std::ranges::all_of(line.substr(0, colon), [](char c) { return c > ' ' && c < 0x7f; });
}

// Takes the headers from the front. What begins with no header has none.
void take_headers(std::string_view& text, MimePart& part) {
    while (!text.empty()) {
        auto rest = text;
        const auto line = take_line(rest);
        const auto content = trim(line);
        const bool folded = line.starts_with(' ') || line.starts_with('\t');
        if (content.empty()) {
            text = rest;
            return;
        }
        if (folded && !part.headers.empty()) {
            (part.headers.back().second += ' ') += content;
        } else if (is_header(line)) {
            const auto halves = *cut(content, ':');
            part.headers.emplace_back(to_lower(halves.first), trim(halves.second));
        } else if (!(line.starts_with("From ") && part.headers.empty())) {
            return;
        }
        text = rest;
    }
}

// A parameter of a header such as: multipart/mixed; boundary="x".
std::string parameter(std::string_view header, std::string_view name) {
    auto rest = header;
    while (const auto semicolon = cut(rest, ';')) {
        rest = trim(semicolon->second);
        const auto halves = cut(rest, '=');
        if (!halves) break;
        const bool wanted = to_lower(trim(halves->first)) == name;
        rest = trim(halves->second);
        std::string value;
        if (rest.starts_with('"')) {
            std::size_t i = 1;
            for (; i < rest.size() && rest[i] != '"'; ++i) {
                if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
                value += rest[i];
            }
            rest.remove_prefix(std::min(i + 1, rest.size()));
        } else {
            const auto end = std::min(rest.find(';'), rest.size());
            value = trim(rest.substr(0, end));
            rest.remove_prefix(end);
        }
        if (wanted) return value;
    }
    return {};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 2045, section 6.7. What is no escape stays as it is.
std::string decode_quoted_printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto line = take_line(text);
        const auto content = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
        bool soft = false;
        for (std::size_t i = 0; i < content.size(); ++i) {
            if (content[i] != '=') {
                out += content[i];
            } else if (i + 1 == content.size()) {
                soft = true;
            } else if (i + 2 < content.size() && hex_value(content[i + 1]) >= 0 && hex_value(content[i + 2]) >= 0) {
                out += static_cast<char>((hex_value(content[i + 1]) << 4) | hex_value(content[i + 2]));
                i += 2;
            } else {
                out += '=';
            }
        }
        if (!soft && line.ends_with('\n')) out += '\n';
    }
    return out;
}

Result<void> decode_body(std::string_view body, MimePart& part) {
    const auto encoding = to_lower(trim(part.header("content-transfer-encoding")));
    if (encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary") {
        part.body = body;
        return {};
    }
    part.is_verbatim = false;
    if (encoding == "quoted-printable") {
        part.body = decode_quoted_printable(body);
        return {};
    }
    if (encoding != "base64") {
        return fail(Kind::invalid, "line {}: the encoding \"{}\" is none of MIME's", part.line, encoding);
    }
    std::string packed;
    std::ranges::copy_if(body, std::back_inserter(packed), [](char c) { return c > ' '; });
    auto bytes = decode_base64(packed);
    if (!bytes) return fail(Kind::invalid, "line {}: the part is not base64", part.line);
    part.body = std::move(*bytes);
    return {};
}

class Walker {
public:
    std::vector<MimePart> parts;

    Result<void> walk(std::string_view text, std::uint32_t line, int depth) {
        const auto whole = text;
        MimePart part;
        take_headers(text, part);
        part.line = line + lines_in(whole.substr(0, whole.size() - text.size()));
        const auto type = part.header("content-type");
        part.type = to_lower(trim(type.substr(0, type.find(';'))));
        if (part.type.starts_with("multipart/")) return walk_parts(text, parameter(type, "boundary"), part.line, depth);
        if (!part.type.contains('/')) part.type = "text/plain";
        part.name = parameter(part.header("content-disposition"), "filename");
        if (part.name.empty()) part.name = parameter(type, "name");
        TRY(decode_body(text, part));
        if (parts.size() == kMaxMimeParts) {
            return fail(Kind::exhausted, "line {}: more than {} parts", part.line, kMaxMimeParts);
        }
        parts.push_back(std::move(part));
        return {};
    }

private:
    // What stands between the boundaries, without the line break before each.
    Result<void> walk_parts(std::string_view text, const std::string& boundary, std::uint32_t line, int depth) {
        if (boundary.empty()) return fail(Kind::invalid, "line {}: a multipart without boundary", line);
        if (depth == kMaxMimeDepth) return fail(Kind::exhausted, "line {}: parts in parts too deeply", line);
        const auto mark = "--" + boundary;
        std::size_t begin = std::string_view::npos;  // of the part that is open
        std::uint32_t begin_line = 0;
        for (auto rest = text; !rest.empty();) {
            const auto at = text.size() - rest.size();
            const auto end = trim(take_line(rest));
            ++line;
            const bool is_last = end == mark + "--";
            if (end != mark && !is_last) continue;
            if (begin != std::string_view::npos) TRY(walk_one(text.substr(begin, at - begin), begin_line, depth));
            if (is_last) return {};
            begin = text.size() - rest.size();
            begin_line = line;
        }
        if (begin == std::string_view::npos) return {};
        return walk(text.substr(begin), begin_line, depth + 1);
    }

    Result<void> walk_one(std::string_view part, std::uint32_t line, int depth) {
        if (part.ends_with('\n')) part.remove_suffix(1);
        if (part.ends_with('\r')) part.remove_suffix(1);
        return walk(part, line, depth + 1);
    }
};

}  // namespace

std::string_view MimePart::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

bool is_mime(std::string_view bytes) { return to_lower(bytes.substr(0, 4096)).contains("mime-version:"); }

Result<std::vector<MimePart>> read_mime(std::string_view message) {
    Walker walker;
    TRY(walker.walk(message, 1, 0));
    return std::move(walker.parts);
}

}  // namespace diatom::cloud
