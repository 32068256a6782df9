#include "engine/log_tag.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kShortId = 12;

struct Field {
    std::string_view name;
    std::string (*value)(const Container&);
};
constexpr std::array kFields = std::to_array<Field>({
    {".ID", [](const Container& c) { return c.id.substr(0, kShortId); }},
    {".FullID", [](const Container& c) { return c.id; }},
    {".Name", [](const Container& c) { return c.name; }},
    {".ImageID", [](const Container& c) { return c.image.text().substr(0, kShortId); }},
    {".ImageFullID", [](const Container& c) { return c.image.text(); }},
    {".ImageName", [](const Container& c) { return c.config.image; }},
    {".DaemonName", [](const Container&) { return std::string("docker"); }},
});

// Calls `on_text` and `on_field` with the parts in turn.
template <class OnText, class OnField>
Result<void> walk(std::string_view text, OnText on_text, OnField on_field) {
    while (!text.empty()) {
        const auto open = text.find("{{");
        on_text(text.substr(0, open));
        if (open == std::string_view::npos) return {};
        text.remove_prefix(open + 2);
        const auto close = text.find("}}");
        if (close == std::string_view::npos) return fail(Kind::invalid, "\"{{{{\" without \"}}}}\"");
        const auto name = trim(text.substr(0, close));
        const auto field = std::ranges::find(kFields, name, &Field::name);
        if (field == kFields.end()) {
            return fail(Kind::invalid,
                        "\"{}\" is not known: there are .ID, .FullID, .Name, .ImageID, .ImageFullID, .ImageName and "
                        ".DaemonName",
                        name);
        }
        on_field(*field);
        text.remove_prefix(close + 2);
    }
    return {};
}

}  // namespace

Result<void> check_log_tag(const std::string& text) {
    return walk(text, [](std::string_view) {}, [](const Field&) {});
}

std::string expand_log_tag(const std::string& text, const Container& container) {
    std::string expanded;
    std::ignore = walk(
        text, [&](std::string_view part) { expanded += part; },
        [&](const Field& field) { expanded += field.value(container); });
    return expanded;
}

}  // namespace diatom::engine
