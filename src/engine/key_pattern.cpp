#include "engine/key_pattern.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

namespace diatom::engine {
namespace {

constexpr std::size_t kLongest = 256;
constexpr unsigned kMostRepeats = 1000;  // all counts of a pattern multiplied, as RE2 limits them

// POSIX has no \d, and glibc would take it for the letter; inside a bracket a backslash is itself.
Result<std::string> translate(std::string_view text) {
    std::string posix;
    bool in_bracket = false;
    char before = ' ';
    std::size_t first = 0;  // in the bracket, where "]" is itself
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_bracket) {
            if (c == '\\') return fail(Kind::invalid, "an escape inside [] is not in this version");
            in_bracket = c != ']' || i == first;
        } else if (c == '[') {
            in_bracket = true;
            first = i + (i + 1 < text.size() && text[i + 1] == '^' ? 2 : 1);
        } else if (c == '\\') {
            before = ' ';
            const char next = i + 1 < text.size() ? text[++i] : '\0';
            if (next == 'd' || next == 'D') {
                posix += next == 'd' ? "[0-9]" : "[^0-9]";
                continue;
            }
            if (next == '\0' || (std::isalnum(next) != 0 && !std::string_view("wWsSbB").contains(next)))
                return fail(Kind::invalid, "the escape \"\\{}\" is not in this version", next);
            posix += {c, next};
            continue;
        } else if (c == '?' && std::string_view("(*+?}").contains(before)) {
            return fail(Kind::invalid, "\"{}?\" is not in this version", before);
        }
        before = c;
        posix += c;
    }
    return posix;
}

Result<void> check_repeats(std::string_view text) {
    std::uint64_t repeats = 1;
    for (std::size_t i = text.find('{'); i != std::string_view::npos; i = text.find('{', i + 1)) {
        std::uint64_t count = 0, most = 1;
        for (const char c : text.substr(i + 1)) {
            if (std::isdigit(c) != 0)
                count = std::min<std::uint64_t>(count * 10 + static_cast<unsigned>(c - '0'), kMostRepeats + 1);
            else count = 0;
            most = std::max(most, count);
            if (c == '}') break;
        }
        repeats *= most;
        if (repeats > kMostRepeats) return fail(Kind::invalid, "it repeats more than {} times", kMostRepeats);
    }
    return {};
}

}  // namespace

Result<KeyPattern> KeyPattern::parse(const std::string& text) {
    if (text.size() > kLongest) return fail(Kind::invalid, "a pattern has at most {} characters", kLongest);
    TRY(check_repeats(text), "pattern \"{}\"", text);
    const auto posix = TRY(translate(text), "pattern \"{}\"", text);
    return KeyPattern(TRY(PosixRegex::compile(posix), "pattern \"{}\"", text));
}

}  // namespace diatom::engine
