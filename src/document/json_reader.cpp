#include "document/json_reader.h"

#include <charconv>
#include <optional>
#include <unordered_set>

#include "base/strings.h"
#include "document/yaml_reader.h"

namespace diatom {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The bytes of the UTF-8 character at the start of `text`; 0 where it is none (RFC 3629: shortest form, no surrogates).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto more = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return more(1) ? 2 : 0;
    if (first >= 0xE0 && first < 0xF0) {
        if (!more(1) || !more(2) || (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0)) return 0;
        return 3;
    }
    if (first < 0xF0 || first > 0xF4 || !more(1) || !more(2) || !more(3)) return 0;
    return (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90) ? 0 : 4;
}

void append_utf8(std::string& text, std::uint32_t code) {
    const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0U | (code >> 6U));
        tail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0U | (code >> 12U));
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0U | (code >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
}

class JsonReader {
public:
    JsonReader(std::string_view text, const std::string& file)
        : rest_(text), file_(std::make_shared<const std::string>(file)) {}

    Result<Value> document() {
        skip_blanks();
        auto value = TRY(read(0));
        skip_blanks();
        if (!rest_.empty()) return refuse("something follows the document");
        return value;
    }

private:
    Failure refuse(std::string_view why) const {
        return fail(Kind::invalid, "{}:{}: not valid JSON: {}", *file_, line_, why);
    }

    void skip_blanks() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r')) {
            if (rest_[0] == '\n') ++line_;
            rest_.remove_prefix(1);
        }
    }

    bool take(std::string_view token) {
        if (!rest_.starts_with(token)) return false;
        rest_.remove_prefix(token.size());
        return true;
    }

    Result<Value> read(int depth) {
        if (depth > kMaxDepth) return refuse("nested too deeply");
        if (++nodes_ > kMaxNodes) return refuse("more values than a document may have");
        const Mark mark{file_, line_};
        auto value = TRY(read_unmarked(depth));
        value.set_mark(mark);
        return value;
    }

    Result<Value> read_unmarked(int depth) {
        if (rest_.empty()) return refuse("it ends too early");
        switch (rest_[0]) {
            case '{': return read_object(depth);
            case '[': return read_array(depth);
            case '"': return Value::of(TRY(read_string()));
            default: break;
        }
        if (take("true")) return Value::of(true);
        if (take("false")) return Value::of(false);
        if (take("null")) return Value();
        if (rest_[0] == '-' || is_digit(rest_[0])) return read_number();
        return refuse("a value is missing, or text without quotes");
    }

    Result<Value> read_object(int depth) {
        rest_.remove_prefix(1);
        auto map = Value::map();
        std::unordered_set<std::string> keys;  // a search in the mapping would make many of them expensive
        skip_blanks();
        if (take("}")) return map;
        while (true) {
            if (!rest_.starts_with('"')) return refuse("a name in quotes is missing");
            auto key = TRY(read_string());
            skip_blanks();
            if (!take(":")) return refuse("':' is missing after a name");
            if (!keys.insert(key).second) return refuse(std::format("the name \"{}\" stands twice in one object", key));
            skip_blanks();
            auto value = TRY(read(depth + 1));
            map.members().emplace_back(std::move(key), std::move(value));
            skip_blanks();
            if (take("}")) return map;
            if (!take(",")) return refuse("',' or '}' is missing");
            skip_blanks();
        }
    }

    Result<Value> read_array(int depth) {
        rest_.remove_prefix(1);
        auto list = Value::list();
        skip_blanks();
        if (take("]")) return list;
        while (true) {
            list.add(TRY(read(depth + 1)));
            skip_blanks();
            if (take("]")) return list;
            if (!take(",")) return refuse("',' or ']' is missing");
            skip_blanks();
        }
    }

    Result<std::string> read_string() {
        rest_.remove_prefix(1);
        std::string text;
        while (true) {
            if (rest_.empty()) return refuse("a text has no end");
            const char c = rest_[0];
            if (take("\"")) return text;
            if (static_cast<unsigned char>(c) < 0x20) return refuse("a control character stands in a text");
            if (c == '\\') {
                rest_.remove_prefix(1);
                TRY(read_escape(text));
                continue;
            }
            const auto length = utf8_length(rest_);
            if (length == 0) return refuse("a text is not UTF-8");
            text += rest_.substr(0, length);
            rest_.remove_prefix(length);
        }
    }

    Result<void> read_escape(std::string& text) {
        static constexpr std::string_view kNames = "\"\\/bfnrt";
        static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        if (take("u")) return read_code(text);
        const auto at = rest_.empty() ? std::string_view::npos : kNames.find(rest_[0]);
        if (at == std::string_view::npos) return refuse("an unknown escape stands in a text");
        text += kMeanings[at];
        rest_.remove_prefix(1);
        return {};
    }

    std::optional<std::uint32_t> hex4() {
        std::uint32_t code = 0;
        if (rest_.size() < 4) return std::nullopt;
        const auto end = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
        if (end.ec != std::errc() || end.ptr != rest_.data() + 4) return std::nullopt;
        rest_.remove_prefix(4);
        return code;
    }

    // Beyond the basic plane two of them are one character; half a pair has no meaning.
    Result<void> read_code(std::string& text) {
        auto code = hex4();
        if (!code) return refuse("\\u needs four hexadecimal digits");
        if (*code >= 0xD800 && *code < 0xDC00 && take("\\u")) {
            const auto low = hex4();
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return refuse("half a surrogate pair");
            code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
        }
        if (*code >= 0xD800 && *code <= 0xDFFF) return refuse("half a surrogate pair");
        append_utf8(text, *code);
        return {};
    }

    Result<Value> read_number() {
        const auto start = rest_;
        take("-");
        const bool zero = take("0");
        if (!zero && skip_digits() == 0) return refuse("'-' without a number");
        if (zero && skip_digits() != 0) return refuse("a number begins with 0");
        bool whole = true;
        if (take(".")) {
            whole = false;
            if (skip_digits() == 0) return refuse("digits are missing after '.'");
        }
        if (take("e") || take("E")) {
            whole = false;
            if (!take("+")) take("-");
            if (skip_digits() == 0) return refuse("digits are missing in an exponent");
        }
        const auto text = start.substr(0, start.size() - rest_.size());
        if (const auto number = whole ? parse_int(text) : std::nullopt) return Value::of(*number);
        double real = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), real).ec != std::errc()) {
            return refuse("a number is too large");
        }
        return Value::of(real);
    }

    std::size_t skip_digits() {
        std::size_t count = 0;
        for (; !rest_.empty() && is_digit(rest_[0]); ++count) rest_.remove_prefix(1);
        return count;
    }

    std::string_view rest_;
    std::shared_ptr<const std::string> file_;
    std::uint32_t line_ = 1;
    std::size_t nodes_ = 0;
};

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

Result<Value> read_json(std::string_view text, const std::string& file) {
    if (text.size() > kMaxJsonDocument) {
        return fail(Kind::exhausted, "{}: larger than a document may be ({})", file, format_bytes(kMaxJsonDocument));
    }
    return JsonReader(text, file).document();
}

}  // namespace diatom
