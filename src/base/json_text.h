// JSON written as text, member by member: for answers with thousands of members, of which no tree is made. Invalid
// UTF-8 is replaced, as dump_json does. Thread side: any.
#pragma once

#include <charconv>
#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace diatom {

class JsonText {
public:
    void begin_object() { begin('{'); }
    void end_object() { text_ += '}'; }
    void begin_array() { begin('['); }
    void end_array() { text_ += ']'; }
    void key(std::string_view name) {
        value(name);
        text_ += ':';
    }

    void value(std::string_view text);
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(const char* text) { value(std::string_view(text)); }
    void value(std::nullptr_t) { raw("null"); }
    void value(bool flag) { raw(flag ? "true" : "false"); }
    void value(std::integral auto number) {
        char digits[24];
        raw({digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr});
    }
    void value(const Json& tree) { raw(dump_json(tree)); }
    void value(const std::vector<std::string>& list);
    void value(const std::map<std::string, std::string>& map);

    template <class Value>
    void member(std::string_view name, const Value& content) {
        key(name);
        value(content);
    }
    template <class Container>
    void member_or_null(std::string_view name, const Container& content) {
        key(name);
        content.empty() ? value(nullptr) : value(content);
    }

    const std::string& text() const noexcept { return text_; }
    Json tree() const { return Json::parse(text_); }  // of a whole value

private:
    // What stands last says whether another value has gone before: a string ends with its quotation mark.
    void separate() {
        if (!text_.empty() && !std::string_view("{[:").contains(text_.back())) text_ += ',';
    }
    void begin(char bracket) {
        separate();
        text_ += bracket;
    }
    void raw(std::string_view text) {
        separate();
        text_ += text;
    }

    std::string text_;
};

}  // namespace diatom
