#include "compose/dotenv.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::compose {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; }
bool is_key(char c) {
    return c == '_' || c == '.' || c == '-' || c == '[' || c == ']' || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (const char c = text[++i]; c) {
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case '"':
            case '\\': out += c; break;
            case '$': out += "$$"; break;  // interpolation makes one of them
            default: (out += '\\') += c;
        }
    }
    return out;
}

class Parser {
public:
    Parser(std::string_view text, const std::string& file, const Environment& outer)
        : rest_(text), file_(file), outer_(outer), known_(outer) {}

    Result<Environment> run() {
        if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
        while (skip_to_statement()) TRY(statement());
        return std::move(found_);
    }

private:
    void take(std::size_t count) {
        line_ += static_cast<unsigned>(std::ranges::count(rest_.substr(0, count), '\n'));
        rest_.remove_prefix(std::min(count, rest_.size()));
    }
    std::string_view line() const { return rest_.substr(0, rest_.find('\n')); }
    void skip_blanks() {
        while (!rest_.empty() && is_blank(rest_.front())) take(1);
    }
    Failure error(std::string_view message) const { return fail(Kind::invalid, "{}:{}: {}", file_, line_, message); }

    bool skip_to_statement() {
        while (!rest_.empty()) {
            if (is_blank(rest_.front()) || rest_.front() == '\n') take(1);
            else if (rest_.front() == '#') take(line().size());
            else return true;
        }
        return false;
    }

    Result<void> statement() {
        if (rest_.starts_with("export ") || rest_.starts_with("export\t")) {
            take(6);
            skip_blanks();
        }
        std::size_t end = 0;
        while (end < rest_.size() && is_key(rest_[end])) ++end;
        const std::string name(rest_.substr(0, end));
        if (name.empty()) return error("a variable's name must be of letters, digits, '_', '.' and '-'");
        take(end);
        skip_blanks();
        if (rest_.empty() || rest_.front() == '\n' || rest_.front() == '#') {
            take(line().size());
            if (const auto it = outer_.find(name); it != outer_.end()) put(name, it->second);
            return {};
        }
        if (rest_.front() != '=' && rest_.front() != ':') {
            return error(std::format("unexpected '{}' in the name of the variable {}", rest_.front(), name));
        }
        take(1);
        skip_blanks();
        put(name, TRY(value()));
        return {};
    }

    void put(const std::string& name, std::string value) {
        if (!outer_.contains(name)) known_[name] = value;
        found_[name] = std::move(value);
    }

    Result<std::string> expand(std::string_view text) const {
        auto value = interpolate(text, {known_});
        if (!value) return error(value.error().what());
        return value;
    }

    Result<std::string> value() {
        const char quote = rest_.empty() ? 0 : rest_.front();
        if (quote != '\'' && quote != '"') {
            auto text = line();
            take(text.size());
            if (text.starts_with('#')) text = {};
            for (std::size_t i = 1; i < text.size(); ++i) {
                if (text[i] == '#' && is_blank(text[i - 1])) text = text.substr(0, i);
            }
            return expand(trim(text));
        }
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != quote) end += rest_[end] == '\\' ? 2 : 1;
        if (end >= rest_.size()) return error(std::format("the value that begins with {} has no end", line()));
        const std::string inside(rest_.substr(1, end - 1));
        take(end + 1);
        if (quote == '\'') return unquote_single(inside);
        return expand(unescape(inside));
    }

    static std::string unquote_single(std::string_view text) {
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\'') ++i;
            out += text[i];
        }
        return out;
    }

    std::string_view rest_;
    const std::string& file_;
    const Environment& outer_;
    Environment known_, found_;
    unsigned line_ = 1;
};

}  // namespace

Result<Environment> parse_dotenv(std::string_view text, const std::string& file, const Environment& outer) {
    return Parser(text, file, outer).run();
}

Result<Environment> parse_raw_env(std::string_view text, const std::string& file) {
    Environment found;
    unsigned number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (trim(line).empty() || trim(line).starts_with('#')) continue;
        const auto halves = cut(line, '=');
        if (!halves) return fail(Kind::invalid, "{}:{}: must be NAME=VALUE", file, number);
        found[std::string(halves->first)] = halves->second;
    }
    return found;
}

}  // namespace diatom::compose
