#include "cloud/jinja_scanner.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace diatom::cloud::jinja {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view closing_of(char opening) { return opening == '{' ? "}}" : opening == '%' ? "%}" : "#}"; }

// Where the tag that begins at `from` ends, quotes respected.
std::size_t end_of_tag(std::string_view text, std::size_t from, std::string_view closing) {
    if (closing == "#}") return text.find(closing, from);
    char quote = '\0';
    for (auto i = from; i < text.size(); ++i) {
        if (quote != '\0') {
            if (text[i] == '\\') ++i;
            else if (text[i] == quote) quote = '\0';
        } else if (text[i] == '"' || text[i] == '\'') {
            quote = text[i];
        } else if (text.substr(i).starts_with(closing)) {
            return i;
        }
    }
    return std::string_view::npos;
}

class Cutter {
public:
    Cutter(std::string_view text, std::uint32_t& line) : text_(text), line_(line) {}

    Result<std::vector<Segment>> cut() {
        while (at_ < text_.size()) {
            const auto tag = find_tag();
            add_text(text_.substr(at_, tag - at_), tag);
            at_ = tag;
            if (tag < text_.size()) TRY(take_tag());
        }
        return std::move(segments_);
    }

private:
    std::size_t find_tag() const {
        for (auto i = text_.find('{', at_); i != std::string_view::npos; i = text_.find('{', i + 1)) {
            if (i + 1 < text_.size() && (text_[i + 1] == '{' || text_[i + 1] == '%' || text_[i + 1] == '#')) return i;
        }
        return text_.size();
    }

    void add_text(std::string_view text, std::size_t tag) {
        const auto before = line_;
        line_ += static_cast<std::uint32_t>(std::ranges::count(text, '\n'));
        auto first = before;
        if (strips_) {
            const auto kept = std::min(text.find_first_not_of(kBlanks), text.size());
            first += static_cast<std::uint32_t>(std::ranges::count(text.substr(0, kept), '\n'));
            text.remove_prefix(kept);
            strips_ = false;
        }
        // "{%-" takes away the blanks before it.
        if (tag + 2 < text_.size() && text_[tag + 2] == '-') {
            const auto last = text.find_last_not_of(kBlanks);
            text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
        }
        if (!text.empty()) segments_.push_back({Segment::Kind::text, text, first});
    }

    Result<void> take_tag() {
        const char opening = text_[at_ + 1];
        const auto closing = closing_of(opening);
        const auto end = end_of_tag(text_, at_ + 2, closing);
        if (end == std::string_view::npos) return fail(diatom::Kind::invalid, "{}{} without {}", '{', opening, closing);
        auto content = text_.substr(at_ + 2, end - at_ - 2);
        const auto line = line_;
        line_ += static_cast<std::uint32_t>(std::ranges::count(content, '\n'));
        at_ = end + 2;
        if (content.starts_with('-') || content.starts_with('+')) content.remove_prefix(1);
        strips_ = content.ends_with('-');
        const bool keeps = content.ends_with('+');
        if (strips_ || keeps) content.remove_suffix(1);
        if (opening == '%' && trim(content) == "raw") return take_raw();
        if (opening == '{') segments_.push_back({Segment::Kind::output, content, line});
        if (opening == '%') segments_.push_back({Segment::Kind::block, content, line});
        if (opening != '{' && !keeps) drop_line_end();
        return {};
    }

    // trim_blocks: the line end after a block or a comment belongs to it.
    void drop_line_end() {
        if (text_.substr(at_).starts_with('\n')) {
            ++at_;
            ++line_;
        }
    }

    Result<void> take_raw() {
        for (auto i = text_.find("{%", at_); i != std::string_view::npos; i = text_.find("{%", i + 1)) {
            const auto end = text_.find("%}", i);
            if (end == std::string_view::npos) break;
            auto word = text_.substr(i + 2, end - i - 2);
            if (word.starts_with('-')) word.remove_prefix(1);
            const bool strips = word.ends_with('-');
            if (strips) word.remove_suffix(1);
            if (trim(word) != "endraw") continue;
            add_text(text_.substr(at_, i - at_), i);
            at_ = end + 2;
            strips_ = strips;
            drop_line_end();
            return {};
        }
        return fail(diatom::Kind::invalid, "raw without endraw");
    }

    std::string_view text_;
    std::uint32_t& line_;
    std::vector<Segment> segments_;
    std::size_t at_ = 0;
    bool strips_ = false;  // the blanks that come next
};

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Result<Token> take_literal(std::string_view& text) {
    Token token{Token::Kind::text, {}};
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == text[0]) {
            text.remove_prefix(i + 1);
            return token;
        }
        if (text[i] != '\\' || i + 1 == text.size()) {
            token.text += text[i];
            continue;
        }
        const char escaped = text[++i];
        token.text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped;
    }
    return fail(diatom::Kind::invalid, "a quote is not closed");
}

}  // namespace

Result<std::vector<Segment>> cut_template(std::string_view text, std::uint32_t& line) {
    return Cutter(text, line).cut();
}

Result<std::vector<Token>> cut_expression(std::string_view text) {
    static constexpr std::array<std::string_view, 6> kLong{"==", "!=", "<=", ">=", "**", "//"};
    std::vector<Token> tokens;
    for (text = trim(text); !text.empty(); text = trim(text)) {
        const char c = text.front();
        if (c == '"' || c == '\'') {
            tokens.push_back(TRY(take_literal(text)));
            continue;
        }
        std::size_t length = 1;
        auto kind = Token::Kind::sign;
        if (begins_name(c)) {
            kind = Token::Kind::name;
            while (length < text.size() && (begins_name(text[length]) || is_digit(text[length]))) ++length;
        } else if (is_digit(c)) {
            kind = Token::Kind::number;
            while (length < text.size() && is_digit(text[length])) ++length;
        } else if (std::ranges::contains(kLong, text.substr(0, 2))) {
            length = 2;
        } else if (!std::string_view(".,|()[]<>+-*/%~{}:=").contains(c)) {
            return fail(diatom::Kind::invalid, "no expression has a character like the one before \"{}\"",
                        text.substr(1, 8));
        }
        tokens.push_back({kind, std::string(text.substr(0, length))});
        text.remove_prefix(length);
    }
    tokens.push_back({});
    return tokens;
}

}  // namespace diatom::cloud::jinja
