// As much of XML as provisioning documents need: elements, attributes, text, the five named and the numeric entities.
// Document types, other entities and what is malformed are refused, so nothing expands. Names lose their prefix.
// Source: XML 1.0 (fifth edition), 2.4, 2.6, 2.7, 3.1, 4.6. Thread side: any; bytes are untrusted.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace diatom::platform {

inline constexpr std::size_t kMaxXml = 1U << 20U;
inline constexpr std::size_t kMaxXmlElements = 20'000;
inline constexpr int kMaxXmlDepth = 64;

struct XmlElement {
    std::string name;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::string text;  // its own, without that of the elements inside
    std::vector<XmlElement> children;

    const XmlElement* child(std::string_view wanted) const noexcept;
    // The descendant along a path of names, or nothing.
    const XmlElement* find(std::initializer_list<std::string_view> path) const noexcept;
    std::string attribute(std::string_view wanted) const;
    // Trimmed text of the descendant; "" where there is none.
    std::string text_at(std::initializer_list<std::string_view> path) const;
};

// The root element. `what` names the document in errors, which never quote it.
Result<XmlElement> parse_xml(std::string_view text, std::string_view what);

std::string escape_xml(std::string_view text);  // for text and attributes; what XML cannot hold becomes "?"

}  // namespace diatom::platform
