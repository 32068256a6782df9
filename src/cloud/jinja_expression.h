// Expressions of templates: parsed once, evaluated as often as a loop wants. Only jinja*.cpp include it.
// Thread side: any; values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cloud/jinja_scanner.h"
#include "document/value.h"

namespace diatom::cloud::jinja {

struct Expression {
    enum class Kind : std::uint8_t {
        literal,    // value
        list,       // parts
        name,       // text
        member,     // parts[0].text
        index,      // parts[0][parts[1]]
        items,      // parts[0].items()
        filter,     // parts[0] | text(parts[1...])
        test,       // parts[0] is text
        negate,     // not parts[0]
        both,       // parts[0] and parts[1]
        either,     // parts[0] or parts[1]
        compare,    // parts[0] text parts[1]: == != < > <= >= in
        condition,  // parts[0] if parts[1] else parts[2]
        glue,       // parts[0] ~ parts[1]
    };
    Kind kind = Kind::literal;
    std::string text = {};
    Value value = {};
    std::vector<Expression> parts = {};
};

// A tag's tokens, taken from the front.
class Tokens {
public:
    explicit Tokens(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
    Token take() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_.back(); }
    bool take_sign(std::string_view sign);
    bool take_word(std::string_view word);
    bool at_end() const { return peek().kind == Token::Kind::end; }

private:
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

// invalid, unsupported: what it is that is not taken.
Result<Expression> parse_expression(Tokens& tokens);

// What names mean: the loops' variables before the instance's data.
class Scope {
public:
    explicit Scope(const Value& data) : data_(data) {}
    void push(std::string name, Value value) { variables_.emplace_back(std::move(name), std::move(value)); }
    void pop(std::size_t count) { variables_.resize(variables_.size() - count); }
    const Value* find(std::string_view name) const;

private:
    const Value& data_;
    std::vector<Member> variables_;
};

// A value of the scope, one that was made, or none.
struct Found {
    const Value* value = nullptr;  // null: undefined
    std::shared_ptr<const Value> made = {};
    std::string name = {};  // as it was written, where it is undefined
};

// invalid: what is not there is looked into, or a filter is not for this type.
Result<Found> evaluate(const Expression& expression, const Scope& scope);

bool is_true(const Found& found);
// As Python prints it.
std::string printed(const Value& value);

}  // namespace diatom::cloud::jinja
