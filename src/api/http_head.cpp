#include <algorithm>
#include <array>

#include "api/http.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

bool is_token(std::string_view text) {
    constexpr std::string_view kExtra = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
        return std::isalnum(c) != 0 || kExtra.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum class Plus { space, literal };

Result<std::string> percent_decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return fail(Kind::invalid, "malformed percent escape in the request target");
            const char c = static_cast<char>(high * 16 + low);
            if (c == '\0') return fail(Kind::invalid, "zero byte in the request target");
            decoded += c;
            i += 2;
        } else {
            decoded += text[i] == '+' && plus == Plus::space ? ' ' : text[i];
        }
    }
    return decoded;
}

// "/v1.43/…": takes the version off. A path that only looks like one ("/volumes") stays.
Result<std::string_view> take_version(std::string_view path, Request& request) {
    if (!path.starts_with("/v") || path.size() < 3 || std::isdigit(static_cast<unsigned char>(path[2])) == 0)
        return path;
    const auto end = std::min(path.find('/', 1), path.size());
    const auto parts = cut(path.substr(2, end - 2), '.');
    const auto major = parts ? parse_uint(parts->first) : std::nullopt;
    const auto minor = parts ? parse_uint(parts->second) : std::nullopt;
    if (!major || !minor || *major != 1 || *minor > 999) {
        return fail(Kind::invalid, "malformed API version in \"{}\": it is written /v1.N/", path.substr(0, end));
    }
    request.minor_version = static_cast<int>(*minor);
    return end == path.size() ? std::string_view("/") : path.substr(end);
}

Result<void> decode_header_line(std::string_view line, Request& request) {
    const auto halves = cut(line, ':');
    if (!halves || !is_token(halves->first)) return fail(Kind::invalid, "malformed header line");
    const auto value = trim(halves->second);
    if (std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 && c != '\t'; })) {
        return fail(Kind::invalid, "control character in header \"{}\"", halves->first);
    }
    auto [it, fresh] = request.headers.emplace(to_lower(halves->first), value);
    if (fresh) return {};
    // Two lengths or two hosts are a request-smuggling attempt (RFC 9112, 6.3).
    if (it->first == "content-length" || it->first == "host" || it->first == "transfer-encoding") {
        return fail(Kind::invalid, "repeated header \"{}\"", it->first);
    }
    it->second.append(", ").append(value);
    return {};
}

}  // namespace

Result<void> decode_target(std::string_view target, Request& request) {
    if (std::ranges::any_of(target, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
        return fail(Kind::invalid, "the request target contains a space or control character: encode it as %XX");
    if (target.starts_with("http://")) {
        const auto slash = target.find('/', 7);
        target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    if (!target.starts_with('/')) return fail(Kind::invalid, "the request target must start with /");
    const auto halves = cut(target, '?');
    const auto path = TRY(take_version(halves ? halves->first : target, request));
    request.path = TRY(percent_decode(path, Plus::literal));
    if (!halves) return {};
    for (const auto pair : split(halves->second, '&')) {
        if (pair.empty()) continue;
        const auto item = cut(pair, '=').value_or(Halves{pair, {}});
        auto key = TRY(percent_decode(item.first, Plus::space));
        auto value = TRY(percent_decode(item.second, Plus::space));
        request.items.emplace_back(key, value);
        request.query[std::move(key)] = std::move(value);
    }
    return {};
}

Result<Request> decode_head(std::string_view head) {
    Request request;
    auto lines = split(head, '\n');
    for (auto& line : lines) {
        if (line.ends_with('\r')) line.remove_suffix(1);
    }
    const auto parts = split(lines.front(), ' ');
    if (parts.size() != 3 || !is_token(parts[0])) return fail(Kind::invalid, "malformed request line");
    if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") {
        return fail(Kind::invalid, "HTTP/1.1 is spoken here, not \"{}\"", parts[2].substr(0, 16));
    }
    request.method = parts[0];
    TRY(decode_target(parts[1], request));
    for (const auto line : std::span(lines).subspan(1)) {
        if (!line.empty()) TRY(decode_header_line(line, request));
    }
    const auto connection = to_lower(request.header("connection"));
    request.keep_alive = connection.find("close") == std::string::npos &&
                         (parts[2] == "HTTP/1.1" || connection.find("keep-alive") != std::string::npos);
    return request;
}

std::string Request::param(const std::string& name, std::string fallback) const {
    const auto it = query.find(name);
    if (it == query.end()) return fallback;
    return it->second;
}

std::vector<std::string> Request::params(const std::string& name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : items) {
        if (key == name) values.push_back(value);
    }
    return values;
}

bool Request::flag(const std::string& name, bool fallback) const {
    const auto it = query.find(name);
    if (it == query.end()) return fallback;
    const auto value = to_lower(trim(it->second));
    return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

Result<std::optional<std::int64_t>> Request::number(const std::string& name) const {
    const auto text = param(name);
    if (text.empty()) return std::nullopt;
    const auto value = parse_int(text);
    if (!value) return fail(Kind::invalid, "\"{}\" must be a whole number, not \"{}\"", name, text);
    return value;
}

std::string_view Request::header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string_view{} : std::string_view(it->second);
}

bool Request::upgrade() const {
    return to_lower(header("connection")).find("upgrade") != std::string::npos && !header("upgrade").empty();
}

int http_status(Kind kind) noexcept {
    switch (kind) {
        case Kind::invalid: return 400;
        case Kind::unauthorized: return 401;
        case Kind::denied: return 403;
        case Kind::not_found: return 404;
        case Kind::conflict: return 409;
        case Kind::unsupported: return 501;
        case Kind::unavailable: return 503;
        case Kind::exhausted:
        case Kind::timed_out:
        case Kind::cancelled:
        case Kind::corrupt:
        case Kind::io:
        case Kind::bug: return 500;
    }
    return 500;
}

}  // namespace diatom::api
