// Text helpers. Thread side: any; no I/O, no locale.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diatom {

std::string_view trim(std::string_view text) noexcept;
std::vector<std::string_view> split(std::string_view text, char separator);
std::vector<std::string_view> split_words(std::string_view text);  // by runs of spaces, tabs, newlines
std::string join(std::span<const std::string> parts, std::string_view separator);

// Text before and after the first (or last) separator; nothing when it does not occur.
struct Halves {
    std::string_view first, second;
};
std::optional<Halves> cut(std::string_view text, char separator) noexcept;
std::optional<Halves> cut_last(std::string_view text, char separator) noexcept;

// The whole text as a decimal number; nothing on anything else, overflow included.
std::optional<std::int64_t> parse_int(std::string_view text) noexcept;
std::optional<std::uint64_t> parse_uint(std::string_view text) noexcept;

// "10m", "64KiB", "1g": bytes, powers of 1024 as Docker counts them.
std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;
std::string format_bytes(std::uint64_t bytes);  // "10.4 MiB"

std::string to_hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> decode_base64(std::string_view text);  // standard and URL alphabets, padding optional
std::string encode_base64(std::string_view bytes);

std::string to_lower(std::string_view text);

// The candidate nearest to `word` by edit distance, if near enough to be what was meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace diatom
