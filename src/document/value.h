// A YAML or JSON value that knows where it was written: what Compose files and the configuration are read into.
// Mappings keep their order. Thread side: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace diatom {

struct Mark {
    std::shared_ptr<const std::string> file;  // absent: made by the program
    std::uint32_t line = 0;
};

enum class Tag : std::uint8_t {
    none,
    reset,    // !reset: the value of the earlier files is dropped, this one too
    replace,  // !override: the value of the earlier files is dropped
};

class Value;
using Member = std::pair<std::string, Value>;

class Value {
public:
    enum class Type : std::uint8_t { null, boolean, integer, real, text, list, map };

    Value() = default;
    static Value of(bool value);
    static Value of(std::int64_t value);
    static Value of(double value);
    static Value of(std::string value);
    static Value of(const char* value) { return of(std::string(value)); }
    static Value of(std::string_view value) { return of(std::string(value)); }
    static Value of(const std::vector<std::string>& texts);
    static Value list();
    static Value map();

    Type type() const noexcept { return type_; }
    bool is_null() const noexcept { return type_ == Type::null; }
    bool is_text() const noexcept { return type_ == Type::text; }
    bool is_list() const noexcept { return type_ == Type::list; }
    bool is_map() const noexcept { return type_ == Type::map; }

    bool boolean() const noexcept { return number_.integer != 0; }
    std::int64_t integer() const noexcept { return number_.integer; }
    double real() const noexcept { return number_.real; }
    const std::string& text() const noexcept { return text_; }
    const std::vector<Value>& items() const noexcept { return items_; }
    std::vector<Value>& items() noexcept { return items_; }
    const std::vector<Member>& members() const noexcept;
    std::vector<Member>& members() noexcept;

    // Of a mapping; nothing where there is no such key, or this is no mapping.
    const Value* find(std::string_view key) const noexcept;
    Value* find(std::string_view key) noexcept;
    bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
    // Adds or replaces. Makes a mapping of what is none.
    Value& set(std::string_view key, Value value);
    Value& set(std::string_view key, std::string_view text) { return set(key, of(text)); }
    void add(Value value);  // to a list; makes a list of what is none
    void erase(std::string_view key);
    void sort();  // the members of a mapping, by key

    // What a member says, or the fallback where it is absent or of another type.
    std::string text_of(std::string_view key, std::string_view fallback = {}) const;
    std::int64_t integer_of(std::string_view key, std::int64_t fallback = 0) const;
    bool boolean_of(std::string_view key, bool fallback = false) const;
    std::vector<std::string> texts_of(std::string_view key) const;
    // The member, or a null that lives for ever.
    const Value& at(std::string_view key) const noexcept;

    // A scalar as text: numbers as shortest decimals, null as "".
    std::string scalar_text() const;

    const Mark& mark() const noexcept { return mark_; }
    void set_mark(Mark mark) { mark_ = std::move(mark); }
    Tag tag() const noexcept { return tag_; }
    void set_tag(Tag tag) noexcept { tag_ = tag; }

    // "FILE:LINE: PATH: message"
    Failure error(std::string_view path, std::string_view message, Kind kind = Kind::invalid) const;

    bool operator==(const Value& other) const;  // without marks and tags; mappings in any order

private:
    std::string text_;
    std::vector<Value> items_;
    // Behind a pointer: a pair of an incomplete type has no size.
    std::shared_ptr<std::vector<Member>> members_;
    Mark mark_;
    union {
        std::int64_t integer;
        double real;
    } number_{0};
    Type type_ = Type::null;
    Tag tag_ = Tag::none;

public:
    Value(const Value& other);
    Value& operator=(const Value& other);
    Value(Value&&) noexcept = default;
    Value& operator=(Value&&) noexcept = default;
    ~Value() = default;
};

std::string_view describe(Value::Type type) noexcept;  // "a mapping"

// Shortest decimals that read back as the same number; exponents from 1e21 on and below 1e-4.
std::string format_real(double value);

enum class JsonStyle : std::uint8_t {
    compact,   // one line, <, > and & escaped: what hashes are taken of
    indented,  // two blanks
};
std::string to_json(const Value& value, JsonStyle style);
std::string to_yaml(const Value& value);

}  // namespace diatom
