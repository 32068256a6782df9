#include "ignition/exec_line.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace diatom::ignition {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::optional<char> simple_escape(char c) {
    static constexpr std::string_view kNames = "abfnrtvs\\\"'";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v \\\"'";
    const auto at = kNames.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    return kMeanings[at];
}

// After a backslash; how many characters it takes.
std::size_t take_escape(std::string_view rest, std::string& word) {
    unsigned code = 0;
    const auto digits = [&](std::size_t from, std::size_t count, int base) {
        return rest.size() >= from + count &&
               std::from_chars(rest.data() + from, rest.data() + from + count, code, base).ptr ==
                   rest.data() + from + count &&
               code != 0 && code < 256;
    };
    if (const auto simple = rest.empty() ? std::nullopt : simple_escape(rest[0])) {
        word += *simple;
        return 1;
    }
    if (rest.starts_with('x') && digits(1, 2, 16)) {
        word += static_cast<char>(code);
        return 3;
    }
    if (digits(0, 3, 8)) {
        word += static_cast<char>(code);
        return 3;
    }
    word += '\\';
    return 0;
}

struct RawWord {
    std::string text;
    bool quoted = false;
};

Result<std::vector<RawWord>> raw_words(std::string_view text) {
    std::vector<RawWord> words;
    RawWord word;
    bool inside = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\') {
            i += take_escape(text.substr(i + 1), word.text);
            inside = true;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
            else word.text += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            inside = word.quoted = true;
        } else if (is_blank(c)) {
            if (inside) words.push_back(std::exchange(word, {}));
            inside = false;
        } else {
            word.text += c;
            inside = true;
        }
    }
    if (quote != 0) return fail(Kind::invalid, "a quotation mark is not closed");
    if (inside) words.push_back(std::move(word));
    return words;
}

bool is_name(std::string_view name) {
    const auto valid = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && (name[0] < '0' || name[0] > '9') && std::ranges::all_of(name, valid);
}

void add_text(ExecWord& word, std::string_view text) {
    if (text.empty()) return;
    if (word.pieces.empty() || word.pieces.back().variable) word.pieces.push_back({});
    word.pieces.back().text += text;
}

ExecWord with_variables(const std::string& text) {
    ExecWord word;
    if (text.starts_with('$') && is_name(std::string_view(text).substr(1))) {
        word.pieces.push_back({true, text.substr(1)});
        word.splits = true;
        return word;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = std::string_view(text).substr(i);
        const auto end = rest.find('}');
        if (rest.starts_with("$$")) {
            add_text(word, "$");
            ++i;
        } else if (rest.starts_with("${") && end != std::string_view::npos && is_name(rest.substr(2, end - 2))) {
            word.pieces.push_back({true, std::string(rest.substr(2, end - 2))});
            i += end;
        } else {
            add_text(word, rest.substr(0, 1));
        }
    }
    return word;
}

Result<void> take_prefixes(ExecLine& line, bool& variables, std::string& first) {
    while (!first.empty() && std::string_view("@-:+!|").contains(first[0])) {
        switch (first[0]) {
            case '-': line.failure_counts = false; break;
            case ':': variables = false; break;
            case '+':
            case '!': line.privileged = true; break;
            default: return fail(Kind::unsupported, "'{}' before a program's name has no counterpart here", first[0]);
        }
        first.erase(0, 1);
    }
    if (first.empty()) return fail(Kind::invalid, "the program is missing");
    return {};
}

}  // namespace

std::string ExecWord::plain() const {
    std::string text;
    for (const auto& piece : pieces) text += piece.text;
    return text;
}

bool ExecLine::has_variables() const {
    return std::ranges::any_of(
        words, [](const ExecWord& word) { return std::ranges::any_of(word.pieces, &ExecPiece::variable); });
}

std::vector<std::string> ExecLine::arguments() const {
    std::vector<std::string> arguments;
    for (const auto& word : words) arguments.push_back(word.plain());
    return arguments;
}

std::string ExecLine::shell() const {
    std::string line;
    for (const auto& word : words) {
        if (!line.empty()) line += ' ';
        if (word.pieces.empty()) line += "''";
        for (const auto& piece : word.pieces) {
            if (!piece.variable) line += shell_quote(piece.text);
            else line += word.splits ? "$" + piece.text : "\"${" + piece.text + "}\"";
        }
    }
    return line;
}

std::string ExecLine::program() const {
    const auto first = words.empty() ? std::string() : words.front().plain();
    return first.substr(first.rfind('/') + 1);
}

Result<std::vector<ExecLine>> parse_exec(std::string_view value) {
    std::vector<ExecLine> lines;
    ExecLine line;
    bool variables = true;
    const auto end = [&] {
        if (!line.words.empty()) lines.push_back(std::exchange(line, {}));
        variables = true;
    };
    for (const auto& raw : TRY(raw_words(value))) {
        auto text = raw.text;
        if (!raw.quoted && text == ";") {
            end();
            continue;
        }
        if (!raw.quoted && text == "\\;") text = ";";
        if (line.words.empty()) TRY(take_prefixes(line, variables, text));
        ExecWord plain;
        add_text(plain, text);
        line.words.push_back(variables ? with_variables(text) : std::move(plain));
    }
    end();
    if (lines.empty()) return fail(Kind::invalid, "the program is missing");
    return lines;
}

Result<std::vector<std::string>> split_quoted(std::string_view value) {
    std::vector<std::string> words;
    for (const auto& raw : TRY(raw_words(value))) words.push_back(raw.text);
    return words;
}

std::string shell_quote(std::string_view text) {
    const auto safe = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./:=,+@%^").contains(c);
    };
    if (!text.empty() && std::ranges::all_of(text, safe)) return std::string(text);
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') quoted += "'\\''";
        else quoted += c;
    }
    return quoted + "'";
}

}  // namespace diatom::ignition
