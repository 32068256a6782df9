#include "journal/record.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

constexpr std::array<std::string_view, 8> kNames{"emergency", "alert",  "critical", "error",
                                                 "warning",   "notice", "info",     "debug"};
constexpr std::array<std::pair<std::string_view, Priority>, 6> kShortNames{{{"emerg", Priority::emergency},
                                                                            {"panic", Priority::emergency},
                                                                            {"crit", Priority::critical},
                                                                            {"err", Priority::error},
                                                                            {"warn", Priority::warning},
                                                                            {"information", Priority::info}}};

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string_view to_string(Priority priority) noexcept { return kNames[static_cast<std::size_t>(priority) & 7U]; }

std::optional<Priority> parse_priority(std::string_view text) noexcept {
    if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') return static_cast<Priority>(text[0] - '0');
    if (const auto* name = std::ranges::find(kNames, text); name != kNames.end())
        return static_cast<Priority>(name - kNames.begin());
    const auto* name = std::ranges::find(kShortNames, text, &std::pair<std::string_view, Priority>::first);
    return name == kShortNames.end() ? std::nullopt : std::optional(name->second);
}

std::string BootId::text() const { return to_hex(bytes); }

std::optional<BootId> BootId::parse(std::string_view text) {
    BootId id;
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const int digit = digit_of(c);
        if (digit < 0 || digits == id.bytes.size() * 2) return std::nullopt;
        auto& byte = id.bytes[digits / 2];
        byte = static_cast<std::uint8_t>(byte * 16 + digit);
        ++digits;
    }
    return digits == id.bytes.size() * 2 ? std::optional(id) : std::nullopt;
}

Result<BootId> BootId::current(const std::string& path) {
    const auto text = TRY(sys::read_file(path, 64));
    const auto id = parse(trim(text));
    if (!id) return fail(Kind::corrupt, "{} is no id of a boot", path);
    return *id;
}

const std::string* Record::field(std::string_view name) const noexcept {
    const auto found = std::ranges::find(fields, name, &Field::name);
    return found == fields.end() ? nullptr : &found->value;
}

std::string_view cut_text(std::string_view text, std::size_t limit) noexcept {
    if (text.size() <= limit) return text;
    // Not inside a character: its later bytes begin with the bits 10.
    std::size_t end = limit;
    while (end > 0 && limit - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

bool Query::wants(const Record& record) const {
    if (record.priority > priority || record.time < since || record.time > until) return false;
    if (boot && record.boot != *boot) return false;
    if (!units.empty() && !std::ranges::contains(units, record.unit)) return false;
    return std::ranges::all_of(fields, [&](const Field& wanted) {
        const auto* value = record.field(wanted.name);
        return value != nullptr && *value == wanted.value;
    });
}

}  // namespace diatom::journal
