#include "ignition/unit_file.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/strings.h"

namespace diatom::ignition {
namespace {

bool is_comment(std::string_view line) { return line.starts_with('#') || line.starts_with(';'); }

class UnitParser {
public:
    Result<UnitFile> parse(std::string_view text) {
        std::uint32_t number = 0, first = 0;
        std::string logical;
        bool continues = false;
        for (auto line : split(text, '\n')) {
            ++number;
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (is_comment(trim(line))) continue;  // between continued lines too
            if (!continues) {
                logical.clear();
                first = number;
            }
            continues = line.ends_with('\\');
            if (continues) line.remove_suffix(1);
            logical += line;
            if (continues) logical += ' ';
            else TRY(take(trim(logical), first));
        }
        if (continues) TRY(take(trim(logical), first));
        return std::move(file_);
    }

private:
    Result<void> take(std::string_view line, std::uint32_t number) {
        if (line.empty()) return {};
        if (line.starts_with('[')) {
            if (!line.ends_with(']')) return fail(Kind::invalid, "line {}: the name of a section has no end", number);
            section_ = std::string(line.substr(1, line.size() - 2));
            file_.sections.push_back(section_);
            return {};
        }
        const auto halves = cut(line, '=');
        if (!halves) return fail(Kind::invalid, "line {}: neither [Section] nor Name=value", number);
        if (section_.empty()) return fail(Kind::invalid, "line {}: a setting before the first [Section]", number);
        const auto name = trim(halves->first);
        if (name.empty()) return fail(Kind::invalid, "line {}: a value without a name", number);
        if (line.contains('\0')) return fail(Kind::invalid, "line {}: a zero byte", number);
        file_.settings.push_back({section_, std::string(name), std::string(trim(halves->second)), number, {}});
        return {};
    }

    UnitFile file_;
    std::string section_;
};

bool is_plain(char c, bool first) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '_' || c == ':' || (c == '.' && !first);
}

std::optional<std::string> specifier(char letter, const UnitName& unit) {
    switch (letter) {
        case '%': return "%";
        case 'n': return unit.full;
        case 'N': return unit.stem;
        case 'p': return unit.prefix;
        case 'P': return unescape_path(unit.prefix).substr(1);
        case 'i': return unit.instance;
        case 'I': return unescape_path(unit.instance).substr(1);
        case 'f': return unescape_path(unit.instance.empty() ? unit.prefix : unit.instance);
        case 't': return "/run";
        case 'S': return "/var/lib";
        case 'C': return "/var/cache";
        case 'L': return "/var/log";
        case 'E': return "/etc";
        case 'T': return "/tmp";
        case 'V': return "/var/tmp";
        case 'h': return "/root";
        case 'u': return "root";
        case 'U': return "0";
        default: return std::nullopt;
    }
}

}  // namespace

bool UnitFile::has_section(std::string_view name) const { return std::ranges::contains(sections, name); }

std::vector<const Setting*> UnitFile::all(std::string_view section, std::string_view name) const {
    std::vector<const Setting*> found;
    for (const auto& setting : settings) {
        if (setting.section != section || setting.name != name) continue;
        if (setting.value.empty()) found.clear();
        else found.push_back(&setting);
    }
    return found;
}

const Setting* UnitFile::last(std::string_view section, std::string_view name) const {
    const auto found = all(section, name);
    return found.empty() ? nullptr : found.back();
}

std::string UnitFile::text(std::string_view section, std::string_view name) const {
    const auto* setting = last(section, name);
    return setting == nullptr ? std::string() : setting->value;
}

void UnitFile::append(UnitFile dropin, const std::string& file) {
    for (auto& setting : dropin.settings) {
        setting.file = file;
        settings.push_back(std::move(setting));
    }
    sections.insert(sections.end(), dropin.sections.begin(), dropin.sections.end());
}

Result<UnitFile> parse_unit(std::string_view text) { return UnitParser().parse(text); }

std::optional<bool> unit_boolean(std::string_view text) {
    static constexpr std::array<std::string_view, 5> kYes{"1", "yes", "y", "true", "on"};
    static constexpr std::array<std::string_view, 5> kNo{"0", "no", "n", "false", "off"};
    const auto lower = to_lower(text);
    if (std::ranges::contains(kYes, lower)) return true;
    if (std::ranges::contains(kNo, lower)) return false;
    return std::nullopt;
}

UnitName::UnitName(std::string_view name) : full(name) {
    const auto halves = cut_last(name, '.');
    stem = halves ? halves->first : name;
    type = halves ? halves->second : std::string_view();
    const auto at = cut(stem, '@');
    prefix = at ? at->first : std::string_view(stem);
    if (at) instance = at->second;
}

Result<std::string> expand_specifiers(std::string_view value, const UnitName& unit) {
    std::string text;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '%') {
            text += value[i];
            continue;
        }
        const char letter = ++i < value.size() ? value[i] : '\0';
        const auto meaning = specifier(letter, unit);
        if (!meaning) {
            return fail(Kind::unsupported, "%{} is not known here (write %% for a percent sign)",
                        letter == '\0' ? ' ' : letter);
        }
        text += *meaning;
    }
    return text;
}

std::string escape_path(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return "-";
    std::string name;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '/') name += '-';
        else if (is_plain(path[i], i == 0)) name += path[i];
        else name += std::format("\\x{:02x}", static_cast<unsigned char>(path[i]));
    }
    return name;
}

std::string unescape_path(std::string_view name) {
    std::string path = "/";
    if (name == "-") return path;
    for (std::size_t i = 0; i < name.size(); ++i) {
        unsigned byte = 0;
        if (name[i] == '-') {
            path += '/';
        } else if (name.substr(i).starts_with("\\x") && i + 4 <= name.size() &&
                   std::from_chars(name.data() + i + 2, name.data() + i + 4, byte, 16).ptr == name.data() + i + 4) {
            path += static_cast<char>(byte);
            i += 3;
        } else {
            path += name[i];
        }
    }
    return path;
}

}  // namespace diatom::ignition
