#include "base/json_text.h"

#include <algorithm>

namespace diatom {

void JsonText::value(std::string_view text) {
    const auto stands_for_itself = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    if (!std::ranges::all_of(text, stands_for_itself)) return value(Json(text));
    separate();
    text_ += '"';
    text_ += text;
    text_ += '"';
}

void JsonText::value(const std::vector<std::string>& list) {
    begin_array();
    for (const auto& text : list) value(text);
    end_array();
}

void JsonText::value(const std::map<std::string, std::string>& map) {
    begin_object();
    for (const auto& [name, text] : map) member(name, text);
    end_object();
}

}  // namespace diatom
