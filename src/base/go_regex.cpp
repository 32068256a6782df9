#include "base/go_regex.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "base/byte_set.h"

namespace diatom {
namespace {

constexpr unsigned kMostRepeats = 1000;  // Go's
constexpr std::size_t kSizeBeyondAscii = 4;

struct Repeat {
    std::string posix;
    std::size_t times = 1;  // that its operand stands in the compiled form
};

// Of the text, as GNU's: POSIX's $ is found before a newline here and there.
constexpr std::string_view kBegin = "\\`", kEnd = "\\'";

// {n}, {n,} or {n,m} at the beginning of `text`. What else begins with a brace is the brace itself, in Go.
Result<std::optional<Repeat>> braces(std::string_view text, std::size_t& length) {
    const auto end = text.find('}');
    if (!text.starts_with('{') || end == std::string_view::npos) return std::optional<Repeat>();
    const auto inside = text.substr(1, end - 1);
    if (inside.empty() || std::isdigit(static_cast<unsigned char>(inside.front())) == 0 ||
        inside.find_first_not_of("0123456789,") != std::string_view::npos || std::ranges::count(inside, ',') > 1)
        return std::optional<Repeat>();
    const auto invalid = [&] { return fail(Kind::invalid, "invalid repeat count: `{}`", text.substr(0, end + 1)); };
    unsigned least = 0, most = 0;
    const auto comma = std::min(inside.find(','), inside.size());
    const auto* last = inside.data() + inside.size();
    if (std::from_chars(inside.data(), inside.data() + comma, least).ec != std::errc()) return invalid();
    most = least;
    const bool bounded = comma + 1 < inside.size();
    if (bounded && std::from_chars(inside.data() + comma + 1, last, most).ec != std::errc()) return invalid();
    if (least > kMostRepeats || most > kMostRepeats || most < least) return invalid();
    length = end + 1;
    return std::optional(Repeat{std::string(text.substr(0, length)), most + (comma + 1 == inside.size() ? 1U : 0U)});
}

// Of a character, in bytes; 0 where none begins so (RFC 3629).
std::size_t length_by_first(unsigned char first) {
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    if (first < 0xe0) return 2;
    return first < 0xf0 ? 3 : 4;
}

class Translation {
public:
    explicit Translation(std::string_view text) : rest_(text) {}

    Result<std::string> run() {
        while (!rest_.empty()) TRY(step());
        if (open_.size() > 1) return fail(Kind::invalid, "missing closing )");
        return std::move(posix_);
    }

private:
    // An expression in brackets, or the whole: how large it is compiled, without and of its last operand.
    struct Level {
        std::size_t before = 0, operand = 0;
        std::size_t size() const { return before + operand; }
    };

    Result<void> step() {
        const char c = rest_.front();
        std::size_t length = 1;
        if (std::string_view("*+?").contains(c)) return repeat({std::string(1, c), 1}, 1);
        if (c == '{') {
            if (const auto counted = TRY(braces(rest_, length))) return repeat(*counted, length);
        }
        switch (c) {
            case '(': return open();
            case ')': return close();
            case '[': {
                skip(1);
                return one_of(TRY(take_go_bracket(rest_)));
            }
            case '\\': return escape();
            case '.': return skip(1), one_of(~ByteSet().set('\n'));
            case '^': return skip(1), place(kBegin);
            case '$': return skip(1), place(kEnd);
            case '|':
                open_.back().before = open_.back().size() + 1;
                open_.back().operand = 0;
                return skip(1), begin("|");
            default: return literal();
        }
    }

    Result<void> one_of(const ByteSet& set) {
        const auto posix = TRY(posix_bracket(set));
        return operand(posix, posix.starts_with('(') ? kSizeBeyondAscii : 1);
    }

    // A character with all of its bytes, so that what repeats it repeats them.
    Result<void> literal() {
        constexpr auto goes_on = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; };
        const auto length = length_by_first(static_cast<unsigned char>(rest_.front()));
        const auto character = rest_.substr(0, length);
        if (length == 0 || character.size() < length || !std::ranges::all_of(character.substr(1), goes_on))
            return fail(Kind::invalid, "invalid UTF-8");
        skip(length);
        if (length == 1) return literal(character.front());
        return operand(std::string("(").append(character) + ')', length);
    }

    void skip(std::size_t length) { rest_.remove_prefix(length); }

    // What a repetition may follow.
    Result<void> operand(std::string_view posix, std::size_t size = 1) {
        auto& level = open_.back();
        level.before = level.size();
        level.operand = size;
        before_ = Before::operand;
        return add(posix);
    }

    // What matches between characters.
    Result<void> place(std::string_view posix) {
        before_ = Before::place;
        return add(posix);
    }

    // After which an expression begins.
    Result<void> begin(std::string_view posix) {
        before_ = Before::nothing;
        return add(posix);
    }

    Result<void> literal(char c) {
        const bool special = std::string_view(".[\\()*+?{|^$").contains(c);
        return operand(special ? std::string{'\\', c} : std::string(1, c));
    }

    Result<void> add(std::string_view posix) {
        posix_ += posix;
        std::size_t size = 0;
        for (const auto& level : open_) size += level.size();
        if (size > GoRegex::kLargest) return fail(Kind::invalid, "it is too large with its repetitions written out");
        return {};
    }

    Result<void> repeat(const Repeat& found, std::size_t length) {
        const auto shown = rest_.substr(0, length);
        switch (before_) {
            case Before::nothing: return fail(Kind::invalid, "missing argument to repetition operator: `{}`", shown);
            case Before::place:
                return fail(Kind::invalid, "the repetition of a place (^, $, \\b) is not in this version");
            case Before::repetition:
                return fail(Kind::invalid, "invalid nested repetition operator: `{}{}`", repeated_, shown);
            case Before::operand: break;
        }
        before_ = Before::repetition;
        repeated_ = shown;
        skip(length);
        // Whether it takes as little as it can makes no difference to whether there is a match.
        if (rest_.starts_with('?')) skip(1);
        open_.back().operand *= std::max<std::size_t>(found.times, 1);
        return add(found.posix);
    }

    Result<void> open() {
        skip(1);
        if (rest_.starts_with('?')) TRY(take_group_kind());
        open_.push_back({});
        return begin("(");
    }

    // (?:…), (?P<name>…), (?<name>…): groups all the same.
    Result<void> take_group_kind() {
        if (rest_.starts_with("?:")) return skip(2), Result<void>{};
        const auto named = rest_.starts_with("?P<") ? 3U : rest_.starts_with("?<") ? 2U : 0U;
        const auto end = rest_.find('>');
        if (named == 0) return fail(Kind::invalid, "\"({}\" is not in this version", rest_.substr(0, 2));
        const auto name = end == std::string_view::npos ? "" : rest_.substr(named, end - named);
        const auto in_name = [](unsigned char c) { return c == '_' || std::isalnum(c) != 0; };
        if (name.empty() || !std::ranges::all_of(name, in_name))
            return fail(Kind::invalid, "invalid named capture: `({}`", rest_);
        return skip(end + 1), Result<void>{};
    }

    Result<void> close() {
        if (open_.size() == 1) return fail(Kind::invalid, "unexpected )");
        skip(1);
        const auto size = open_.back().size() + 1;
        open_.pop_back();
        return operand(")", size);
    }

    Result<void> escape() {
        const char c = rest_.size() < 2 ? '\0' : rest_[1];
        if (const auto letter = class_of_letter(c)) return skip(2), one_of(*letter);
        if (c == 'b' || c == 'B') return skip(2), place(std::string{'\\', c});
        if (c == 'A') return skip(2), place(kBegin);
        if (c == 'z') return skip(2), place(kEnd);
        return literal(TRY(take_go_escape(rest_)));
    }

    std::string_view rest_;
    std::string posix_;
    std::vector<Level> open_{1};
    enum class Before { nothing, operand, place, repetition } before_ = Before::nothing;
    std::string_view repeated_;  // the repetition that was just read
};

}  // namespace

Result<std::string> posix_of_go(std::string_view text) { return Translation(text).run(); }

Result<GoRegex> GoRegex::compile(const std::string& text) {
    if (text.size() > kLongest) return fail(Kind::invalid, "it has more than {} characters", kLongest);
    if (text.contains('\0')) return fail(Kind::invalid, "it has a NUL in it");
    constexpr std::string_view kFold = "(?i)";
    const bool fold = text.starts_with(kFold);
    const auto posix = TRY(posix_of_go(std::string_view(text).substr(fold ? kFold.size() : 0)));
    return GoRegex(TRY(PosixRegex::compile(posix, fold ? PosixRegex::Case::same : PosixRegex::Case::differs)));
}

}  // namespace diatom
