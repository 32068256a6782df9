#include "ignition/data_url.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace diatom::ignition {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> hex_value(char c) {
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    const char lower = static_cast<char>(c | 0x20);
    if (lower < 'a' || lower > 'f') return std::nullopt;
    return static_cast<unsigned>(lower - 'a' + 10);
}

// RFC 2396 without its delimiters and unwise characters; the '%' of escapes.
bool is_url_character(char c) { return c > 0x20 && c < 0x7F && !std::string_view("<>#\"{}|\\^[]`").contains(c); }

std::optional<std::string> unescape(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_url_character(text[i])) return std::nullopt;
        if (text[i] != '%') {
            bytes += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>((*high << 4U) | *low);
        i += 2;
    }
    return bytes;
}

}  // namespace

std::string url_scheme(std::string_view url) {
    const auto colon = url.find(':');
    if (colon == std::string_view::npos || colon == 0 || !is_letter(url[0])) return {};
    const auto scheme = url.substr(0, colon);
    const bool valid = std::ranges::all_of(
        scheme, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
    return valid ? to_lower(scheme) : std::string();
}

Result<std::string> decode_data_url(std::string_view url) {
    if (url_scheme(url) != "data") return fail(Kind::invalid, "is no data: URL");
    const auto halves = cut(url.substr(5), ',');
    if (!halves) return fail(Kind::invalid, "a data: URL has a comma before its data");
    if (!halves->first.ends_with(";base64")) {
        auto data = unescape(halves->second);
        if (!data) return fail(Kind::invalid, "a character of the data: URL must be written as %XX");
        return std::move(*data);
    }
    auto text = std::string(halves->second);
    std::erase(text, '\n');
    auto bytes = decode_base64(text);
    if (!bytes) return fail(Kind::invalid, "the data of the data: URL are no base64");
    return std::move(*bytes);
}

std::string encode_data_url(std::string_view bytes) {
    static constexpr std::string_view kPlain = "-_.!~*'()";
    std::string url = "data:,";
    for (const char c : bytes) {
        if (is_letter(c) || is_digit(c) || kPlain.contains(c)) {
            url += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        url += '%';
        url += kHexDigits[byte >> 4U];
        url += kHexDigits[byte & 15U];
    }
    return url;
}

}  // namespace diatom::ignition
