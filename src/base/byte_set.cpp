#include "base/byte_set.h"

#include <array>
#include <cctype>
#include <optional>

namespace diatom {
namespace {

constexpr unsigned kAscii = 128;

template <class Predicate>
ByteSet ascii_where(Predicate holds) {
    ByteSet set;
    for (unsigned c = 0; c < kAscii; ++c) set[c] = holds(static_cast<int>(c));
    return set;
}

struct NamedClass {
    std::string_view name;
    int (*holds)(int);
};
constexpr std::array kNamed{
    NamedClass{"alnum", std::isalnum},
    NamedClass{"alpha", std::isalpha},
    NamedClass{"ascii", [](int) { return 1; }},
    NamedClass{"blank", std::isblank},
    NamedClass{"cntrl", std::iscntrl},
    NamedClass{"digit", std::isdigit},
    NamedClass{"graph", std::isgraph},
    NamedClass{"lower", std::islower},
    NamedClass{"print", std::isprint},
    NamedClass{"punct", std::ispunct},
    NamedClass{"space", std::isspace},
    NamedClass{"upper", std::isupper},
    NamedClass{"word", [](int c) { return static_cast<int>(c == '_' || std::isalnum(c) != 0); }},
    NamedClass{"xdigit", std::isxdigit},
};

// "[:name:]" at the beginning of `text`, if it is one.
Result<std::optional<ByteSet>> take_named(std::string_view& text) {
    const auto end = text.find(":]", 2);
    if (!text.starts_with("[:") || end == std::string_view::npos) return std::optional<ByteSet>();
    auto name = text.substr(2, end - 2);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    for (const auto& known : kNamed) {
        if (known.name != name) continue;
        text.remove_prefix(end + 2);
        const auto set = ascii_where(known.holds);
        return std::optional(negated ? ~set : set);
    }
    return fail(Kind::invalid, "invalid character class range: `{}`", text.substr(0, end + 2));
}

// One character, or the one that an escape stands for.
Result<unsigned char> take_character(std::string_view& text) {
    if (text.empty()) return fail(Kind::invalid, "missing closing ]");
    if (text.front() == '\\') {
        const auto literal = TRY(take_go_escape(text));
        return static_cast<unsigned char>(literal);
    }
    const auto c = static_cast<unsigned char>(text.front());
    if (c >= kAscii) return fail(Kind::invalid, "characters beyond ASCII inside [] are not in this version");
    text.remove_prefix(1);
    return c;
}

Result<ByteSet> take_range(std::string_view& text) {
    const auto whole = text;
    const auto low = TRY(take_character(text));
    auto high = low;
    if (text.size() >= 2 && text[0] == '-' && text[1] != ']') {
        text.remove_prefix(1);
        high = TRY(take_character(text));
        if (high < low)
            return fail(Kind::invalid, "invalid character class range: `{}`",
                        whole.substr(0, whole.size() - text.size()));
    }
    return ascii_where([&](int c) { return low <= c && c <= high; });
}

}  // namespace

std::optional<ByteSet> class_of_letter(char letter) {
    const bool negated = std::isupper(static_cast<unsigned char>(letter)) != 0;
    ByteSet set;
    switch (letter) {
        case 'd':
        case 'D': set = ascii_where(kNamed[5].holds); break;
        case 'w':
        case 'W': set = ascii_where(kNamed[12].holds); break;
        case 's':
        case 'S': set = ascii_where([](int c) { return c != '\v' && std::isspace(c) != 0; }); break;
        default: return {};
    }
    return negated ? ~set : set;
}

Result<char> take_go_escape(std::string_view& text) {
    if (text.size() < 2) return fail(Kind::invalid, "trailing backslash at end of expression");
    const char c = text[1];
    text.remove_prefix(2);
    switch (c) {
        case 'a': return '\a';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'v': return '\v';
        default: break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < kAscii && std::isalnum(byte) == 0) return c;
    if (std::string_view("pPxQEC01234567").contains(c))
        return fail(Kind::invalid, "the escape \"\\{}\" is not in this version", c);
    return fail(Kind::invalid, "invalid escape sequence: `\\{}`", c);
}

Result<ByteSet> take_go_bracket(std::string_view& text) {
    const bool negated = text.starts_with('^');
    if (negated) text.remove_prefix(1);
    ByteSet set;
    for (bool first = true; text.empty() || text.front() != ']' || first; first = false) {
        if (const auto named = TRY(take_named(text))) {
            set |= *named;
        } else if (const auto letter = text.size() < 2 || text[0] != '\\' ? std::nullopt : class_of_letter(text[1])) {
            set |= *letter;
            text.remove_prefix(2);
        } else {
            set |= TRY(take_range(text));
        }
    }
    text.remove_prefix(1);
    return negated ? ~set : set;
}

// Characters that mean something in a bracket stand where they mean themselves: "]" first, or else "-", and "^" not.
// A character beyond ASCII is a byte that begins it and those that go on.
Result<std::string> posix_bracket(const ByteSet& set) {
    const bool inverted = set[kAscii];  // all bytes beyond ASCII are in, or none
    auto members = inverted ? ~set : set;
    members[0] = false;  // no text has a NUL
    if (!inverted && members.none()) return fail(Kind::invalid, "a [] that matches nothing is not in this version");
    if (!inverted && members.count() == 1 && members['^']) return std::string("\\^");
    std::string text = inverted ? "([^" : "[";
    if (members[']']) text += ']';
    else if (members['-']) text += '-';
    for (unsigned c = 1; c < kAscii; ++c) {
        if (members[c] && !std::string_view("][^-").contains(static_cast<char>(c))) text += static_cast<char>(c);
    }
    if (inverted) text += "\x80-\xff";
    if (members['[']) text += '[';
    if (members['^']) text += '^';
    if (members['-'] && members[']']) text += '-';
    return text + (inverted ? "]|[\xc0-\xff][\x80-\xbf]*)" : "]");
}

}  // namespace diatom
