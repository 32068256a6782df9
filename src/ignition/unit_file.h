// The text of systemd units. Source: systemd.syntax(7), systemd.unit(5) of version 257. Thread side: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::ignition {

struct Setting {
    std::string section, name, value;
    std::uint32_t line = 0;  // in its text
    std::string file;        // "10-proxy.conf" of what a drop-in says
};

struct UnitFile {
    std::vector<std::string> sections;
    std::vector<Setting> settings;  // in order

    bool has_section(std::string_view name) const;
    // What is said of a name, without what an empty value took back.
    std::vector<const Setting*> all(std::string_view section, std::string_view name) const;
    // The last word on it.
    const Setting* last(std::string_view section, std::string_view name) const;
    std::string text(std::string_view section, std::string_view name) const;
    // A drop-in is read after the unit.
    void append(UnitFile dropin, const std::string& file);
};

// invalid: "line 3: …". Values never stand in errors.
Result<UnitFile> parse_unit(std::string_view text);

std::optional<bool> unit_boolean(std::string_view text);  // yes, on, 1, true …

// "web@a.service": what the names of a unit's parts are.
struct UnitName {
    explicit UnitName(std::string_view name);
    std::string full;      // web@a.service
    std::string stem;      // web@a
    std::string prefix;    // web
    std::string instance;  // a
    std::string type;      // service
    bool is_template() const { return stem.ends_with('@'); }
    std::string template_name() const { return prefix + "@." + type; }
};

// The value with its specifiers (%i, %n, %t, …) replaced. unsupported: one that only a running systemd knows.
Result<std::string> expand_specifiers(std::string_view value, const UnitName& unit);

// systemd-escape(1) of a path, and back: "var-lib-a\x2db" <-> "/var/lib/a-b".
std::string escape_path(std::string_view path);
std::string unescape_path(std::string_view name);

}  // namespace diatom::ignition
