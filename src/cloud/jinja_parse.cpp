#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/jinja.h"
#include "cloud/jinja_expression.h"

namespace diatom::cloud::jinja {
namespace {

using Kind = Expression::Kind;

constexpr std::array<std::string_view, 6> kComparisons{"==", "!=", "<", ">", "<=", ">="};
constexpr std::array<std::string_view, 11> kFilters{"default", "d",     "lower", "upper", "trim",   "length",
                                                    "count",   "first", "last",  "join",  "replace"};
constexpr std::array<std::string_view, 7> kTests{"defined", "undefined", "none", "true", "false", "string", "mapping"};

class Parser {
public:
    explicit Parser(Tokens& tokens) : tokens_(tokens) {}

    Result<Expression> parse() {
        if (++depth_ > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "an expression is nested too deeply");
        auto value = TRY(parse_either());
        if (tokens_.take_word("if")) {
            auto condition = TRY(parse_either());
            auto other = Expression{.kind = Kind::literal, .value = Value::of("")};
            if (tokens_.take_word("else")) other = TRY(parse());
            value = make(Kind::condition, {}, {std::move(value), std::move(condition), std::move(other)});
        }
        --depth_;
        return value;
    }

private:
    static Expression make(Kind kind, std::string text, std::vector<Expression> parts) {
        return {kind, std::move(text), {}, std::move(parts)};
    }
    static Expression literal(Value value) { return {Kind::literal, {}, std::move(value), {}}; }

    // Operators of one rank beside each other: left to right, and not more of them than nesting may have.
    Result<Expression> fold(std::string_view word, Kind kind, Result<Expression> (Parser::*next)()) {
        auto left = TRY((this->*next)());
        for (int count = 0; tokens_.take_word(word); ++count) {
            if (count > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "too many \"{}\"", word);
            auto right = TRY((this->*next)());
            left = make(kind, {}, {std::move(left), std::move(right)});
        }
        return left;
    }
    Result<Expression> parse_either() { return fold("or", Kind::either, &Parser::parse_both); }
    Result<Expression> parse_both() { return fold("and", Kind::both, &Parser::parse_negation); }

    Result<Expression> parse_negation() {
        bool negated = false;
        while (tokens_.take_word("not")) negated = !negated;
        auto value = TRY(parse_comparison());
        return negated ? make(Kind::negate, {}, {std::move(value)}) : value;
    }

    Result<Expression> parse_comparison() {
        auto left = TRY(parse_glue());
        const auto& next = tokens_.peek();
        if (next.kind == Token::Kind::sign && std::ranges::contains(kComparisons, next.text)) {
            auto sign = tokens_.take().text;
            auto right = TRY(parse_glue());
            return make(Kind::compare, std::move(sign), {std::move(left), std::move(right)});
        }
        const bool negated = next.text == "not" && tokens_.peek(1).text == "in";
        if (negated) tokens_.take();
        if (!tokens_.take_word("in")) return left;
        auto right = TRY(parse_glue());
        auto inside = make(Kind::compare, "in", {std::move(left), std::move(right)});
        return negated ? make(Kind::negate, {}, {std::move(inside)}) : inside;
    }

    Result<Expression> parse_glue() {
        auto left = TRY(parse_tested());
        for (int count = 0; tokens_.take_sign("~"); ++count) {
            if (count > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "too many \"~\"");
            auto right = TRY(parse_tested());
            left = make(Kind::glue, {}, {std::move(left), std::move(right)});
        }
        return left;
    }

    Result<Expression> parse_tested() {
        auto value = TRY(parse_filtered());
        if (!tokens_.take_word("is")) return value;
        const bool negated = tokens_.take_word("not");
        auto name = tokens_.take().text;
        if (!std::ranges::contains(kTests, to_lower(name)))
            return fail(diatom::Kind::unsupported, "the test \"is {}\" is not known here", name);
        auto test = make(Kind::test, to_lower(name), {std::move(value)});
        return negated ? make(Kind::negate, {}, {std::move(test)}) : test;
    }

    Result<Expression> parse_filtered() {
        auto value = TRY(parse_value());
        for (int count = 0; tokens_.take_sign("|"); ++count) {
            auto name = tokens_.take().text;
            if (count > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "too many filters");
            if (!std::ranges::contains(kFilters, name)) {
                return fail(diatom::Kind::unsupported, "the filter \"{}\" is not known here; these are: {}", name,
                            join(std::vector<std::string>(kFilters.begin(), kFilters.end()), ", "));
            }
            std::vector<Expression> parts;
            parts.push_back(std::move(value));
            if (tokens_.take_sign("(")) TRY(parse_list(")", parts));
            value = make(Kind::filter, std::move(name), std::move(parts));
        }
        return value;
    }

    Result<void> parse_list(std::string_view end, std::vector<Expression>& into) {
        while (!tokens_.take_sign(end)) {
            // default_value= and boolean= of default, d= of join: their order is that of the arguments.
            if (tokens_.peek().kind == Token::Kind::name && tokens_.peek(1).text == "=") {
                tokens_.take();
                tokens_.take();
            }
            into.push_back(TRY(parse()));
            if (!tokens_.take_sign(",") && tokens_.peek().text != end)
                return fail(diatom::Kind::invalid, "\"{}\" is missing before \"{}\"", end, tokens_.peek().text);
        }
        return {};
    }

    Result<Expression> parse_value() {
        auto value = TRY(parse_primary());
        for (int count = 0;; ++count) {
            if (count > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "too many members of members");
            if (tokens_.take_sign(".")) {
                const auto key = tokens_.take();
                if (key.kind != Token::Kind::name && key.kind != Token::Kind::number)
                    return fail(diatom::Kind::invalid, "a name is missing after \".\"");
                if (tokens_.peek().text == "(" && tokens_.peek().kind == Token::Kind::sign) {
                    value = TRY(parse_call(std::move(value), key.text));
                    continue;
                }
                value = make(Kind::member, key.text, {std::move(value)});
            } else if (tokens_.take_sign("[")) {
                auto key = TRY(parse());
                if (!tokens_.take_sign("]")) return fail(diatom::Kind::invalid, "\"]\" is missing");
                value = make(Kind::index, {}, {std::move(value), std::move(key)});
            } else if (tokens_.peek().kind == Token::Kind::sign && tokens_.peek().text == "(") {
                return fail(diatom::Kind::unsupported, "nothing can be called here");
            } else {
                return check_sign(std::move(value));
            }
        }
    }

    // Of all that can be called there are items() and keys(): a loop over a mapping needs the one, and gives the other.
    Result<Expression> parse_call(Expression value, const std::string& name) {
        tokens_.take();
        if ((name != "items" && name != "keys") || !tokens_.take_sign(")"))
            return fail(diatom::Kind::unsupported, "{}() cannot be called here", name);
        if (name == "keys") return value;
        return make(Kind::items, {}, {std::move(value)});
    }

    Result<Expression> check_sign(Expression value) {
        static constexpr std::array<std::string_view, 7> kArithmetic{"+", "-", "*", "/", "%", "**", "//"};
        const auto& next = tokens_.peek();
        if (next.kind != Token::Kind::sign || !std::ranges::contains(kArithmetic, next.text)) return value;
        if (next.text == "-" && value.kind != Kind::literal && tokens_.peek(1).kind == Token::Kind::name) {
            return fail(diatom::Kind::unsupported, "\"-\" would subtract: write {}_{} for the key {}-{}", value.text,
                        tokens_.peek(1).text, value.text, tokens_.peek(1).text);
        }
        return fail(diatom::Kind::unsupported, "arithmetic (\"{}\") is not done here", next.text);
    }

    Result<Expression> parse_primary() {
        auto token = tokens_.take();
        switch (token.kind) {
            case Token::Kind::text: return literal(Value::of(std::move(token.text)));
            case Token::Kind::number: {
                const auto number = parse_int(token.text);
                if (!number) return fail(diatom::Kind::invalid, "a number is too large");
                return literal(Value::of(*number));
            }
            case Token::Kind::name: return parse_word(std::move(token.text));
            case Token::Kind::end: return fail(diatom::Kind::invalid, "an expression is missing");
            case Token::Kind::sign: break;
        }
        if (token.text == "(") {
            auto inner = TRY(parse());
            if (!tokens_.take_sign(")")) return fail(diatom::Kind::invalid, "\")\" is missing");
            return inner;
        }
        if (token.text == "[") {
            auto list = make(Kind::list, {}, {});
            TRY(parse_list("]", list.parts));
            return list;
        }
        if (token.text == "-" && tokens_.peek().kind == Token::Kind::number) {
            const auto number = parse_int("-" + tokens_.take().text);
            if (!number) return fail(diatom::Kind::invalid, "a number is too large");
            return literal(Value::of(*number));
        }
        return fail(diatom::Kind::invalid, "\"{}\" does not begin an expression", token.text);
    }

    static Result<Expression> parse_word(std::string word) {
        if (word == "true" || word == "True") return literal(Value::of(true));
        if (word == "false" || word == "False") return literal(Value::of(false));
        if (word == "none" || word == "None") return literal(Value());
        return make(Kind::name, std::move(word), {});
    }

    Tokens& tokens_;
    int depth_ = 0;
};

}  // namespace

bool Tokens::take_sign(std::string_view sign) {
    const bool is_next = peek().kind == Token::Kind::sign && peek().text == sign;
    if (is_next) take();
    return is_next;
}

bool Tokens::take_word(std::string_view word) {
    const bool is_next = peek().kind == Token::Kind::name && peek().text == word;
    if (is_next) take();
    return is_next;
}

Result<Expression> parse_expression(Tokens& tokens) { return Parser(tokens).parse(); }

}  // namespace diatom::cloud::jinja
