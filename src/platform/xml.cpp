#include "platform/xml.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"

namespace diatom::platform {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_name(char c) { return !is_space(c) && !std::string_view("<>/=\"'&?!").contains(c) && c != '\0'; }

std::string local(std::string_view name) {
    const auto halves = cut_last(name, ':');
    return std::string(halves ? halves->second : name);
}

std::optional<std::string> utf8(std::uint64_t point) {
    if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | ((point >> shift) & 0x3fU)); };
    if (point < 0x80) return std::string{static_cast<char>(point)};
    if (point < 0x800) return std::string{static_cast<char>(0xc0U | (point >> 6U)), tail(0)};
    if (point < 0x10000) return std::string{static_cast<char>(0xe0U | (point >> 12U)), tail(6), tail(0)};
    return std::string{static_cast<char>(0xf0U | (point >> 18U)), tail(12), tail(6), tail(0)};
}

// What stands between "&" and ";".
std::optional<std::string> entity(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNamed{
        {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}}};
    for (const auto& [known, text] : kNamed) {
        if (name == known) return std::string(text);
    }
    if (!name.starts_with('#')) return std::nullopt;
    name.remove_prefix(1);
    const int base = name.starts_with('x') ? 16 : 10;
    if (base == 16) name.remove_prefix(1);
    std::uint64_t point = 0;
    for (const char c : name) {
        const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c >= 'A' ? c | 0x20 : c));
        if (digit >= static_cast<std::size_t>(base)) return std::nullopt;
        point = point * static_cast<unsigned>(base) + digit;
        if (point > 0x10ffff) return std::nullopt;
    }
    return name.empty() ? std::nullopt : utf8(point);
}

class Reader {
public:
    Reader(std::string_view text, std::string_view what) : text_(text), what_(what) {}

    Result<XmlElement> document() {
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
        TRY(skip_misc());
        auto root = TRY(element(0));
        TRY(skip_misc());
        if (!text_.empty()) return wrong("something stands behind the root element");
        return root;
    }

private:
    Failure wrong(std::string_view why) const { return fail(Kind::invalid, "{}: not XML: {}", what_, why); }

    void skip_space() {
        while (!text_.empty() && is_space(text_.front())) text_.remove_prefix(1);
    }
    bool take(std::string_view token) {
        if (!text_.starts_with(token)) return false;
        text_.remove_prefix(token.size());
        return true;
    }
    Result<std::string_view> until(std::string_view end) {
        const auto at = text_.find(end);
        if (at == std::string_view::npos) return wrong("it ends too early");
        const auto before = text_.substr(0, at);
        text_.remove_prefix(at + end.size());
        return before;
    }
    // Comments, processing instructions and white space outside the root.
    Result<void> skip_misc() {
        for (skip_space(); text_.starts_with("<!--") || text_.starts_with("<?"); skip_space()) TRY(skip_aside());
        if (text_.starts_with("<!")) return wrong("document types are refused");
        return {};
    }
    Result<void> skip_aside() {
        if (take("<!--")) TRY(until("-->"));
        else if (take("<?")) TRY(until("?>"));
        return {};
    }
    Result<std::string_view> name() {
        const auto end = std::ranges::find_if_not(text_, is_name) - text_.begin();
        if (end == 0) return wrong("a name is missing");
        const auto found = text_.substr(0, static_cast<std::size_t>(end));
        text_.remove_prefix(found.size());
        return found;
    }
    Result<void> append(std::string& to, std::string_view raw) {
        while (!raw.empty()) {
            const auto at = raw.find('&');
            to += raw.substr(0, at);
            if (at == std::string_view::npos) return {};
            raw.remove_prefix(at + 1);
            const auto end = raw.find(';');
            const auto text = end == std::string_view::npos ? std::nullopt : entity(raw.substr(0, end));
            if (!text) return wrong("an unknown entity");
            to += *text;
            raw.remove_prefix(end + 1);
        }
        return {};
    }
    Result<void> attributes(XmlElement& to) {
        for (skip_space(); !text_.empty() && is_name(text_.front()); skip_space()) {
            auto key = local(TRY(name()));
            skip_space();
            if (!take("=")) return wrong("an attribute without a value");
            skip_space();
            const std::string quote(text_.substr(0, 1));
            if (quote != "\"" && quote != "'") return wrong("an attribute without quotes");
            text_.remove_prefix(1);
            const auto raw = TRY(until(quote));
            if (raw.contains('<')) return wrong("an attribute with an element in it");
            std::string value;
            TRY(append(value, raw));
            to.attributes.emplace_back(std::move(key), std::move(value));
        }
        return {};
    }
    Result<XmlElement> element(int depth) {
        if (depth > kMaxXmlDepth) return wrong("it is nested too deep");
        if (++elements_ > kMaxXmlElements) return wrong("it has too many elements");
        if (!take("<")) return wrong("an element is missing");
        XmlElement made;
        const auto full = TRY(name());
        made.name = local(full);
        TRY(attributes(made));
        if (take("/>")) return made;
        if (!take(">")) return wrong("a tag does not end");
        TRY(contents(made, depth));
        if (TRY(name()) != full) return wrong("an element ends as another one");
        skip_space();
        if (!take(">")) return wrong("a tag does not end");
        return made;
    }
    // Up to and with the "</" of the end tag.
    Result<void> contents(XmlElement& made, int depth) {
        while (!take("</")) {
            if (text_.empty()) return wrong("it ends too early");
            if (take("<![CDATA[")) made.text += TRY(until("]]>"));
            else if (text_.starts_with("<!--") || text_.starts_with("<?")) TRY(skip_aside());
            else if (text_.front() == '<') made.children.push_back(TRY(element(depth + 1)));
            else TRY(plain_text(made));
        }
        return {};
    }
    Result<void> plain_text(XmlElement& made) {
        const auto raw = text_.substr(0, text_.find('<'));
        text_.remove_prefix(raw.size());
        return append(made.text, raw);
    }

    std::string_view text_, what_;
    std::size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const noexcept {
    const auto found = std::ranges::find(children, wanted, &XmlElement::name);
    return found == children.end() ? nullptr : &*found;
}

const XmlElement* XmlElement::find(std::initializer_list<std::string_view> path) const noexcept {
    const XmlElement* here = this;
    for (const auto step : path) {
        here = here->child(step);
        if (here == nullptr) return nullptr;
    }
    return here;
}

std::string XmlElement::attribute(std::string_view wanted) const {
    for (const auto& [key, value] : attributes) {
        if (key == wanted) return value;
    }
    return {};
}

std::string XmlElement::text_at(std::initializer_list<std::string_view> path) const {
    const auto* found = find(path);
    return found == nullptr ? std::string() : std::string(trim(found->text));
}

Result<XmlElement> parse_xml(std::string_view text, std::string_view what) {
    if (text.size() > kMaxXml) return fail(Kind::exhausted, "{}: larger than {}", what, format_bytes(kMaxXml));
    return Reader(text, what).document();
}

std::string escape_xml(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else if (static_cast<unsigned char>(c) < ' ' && !is_space(c)) out += '?';
        else out += c;
    }
    return out;
}

}  // namespace diatom::platform
