#include <optional>

#include "base/strings.h"
#include "document/json_reader.h"
#include "ignition/check.h"
#include "ignition/ignition.h"

namespace diatom::ignition {
namespace {

// The minor version of "3.4.0".
std::optional<int> minor_version(const Value& document, Report& report) {
    const auto path = Path() / "ignition" / "version";
    const auto& ignition = document.at("ignition");
    const auto& version = ignition.at("version");
    if (!version.is_text()) {
        report.problem(ignition.is_map() ? ignition : document, path, "is missing: a text such as \"3.4.0\"");
        return std::nullopt;
    }
    const auto parts = split(version.text(), '.');
    const auto minor = parts.size() == 3 ? parse_uint(parts[1]) : std::nullopt;
    if (!minor || version.text() != std::format("{}.{}.0", parts[0], *minor)) {
        report.problem(version, path, "must be a version from 3.0.0 to 3.5.0");
    } else if (parts[0] == "2" || parts[0] == "1") {
        report.problem(version, path, "is of an Ignition before 3: convert the document with ign-converter");
    } else if (parts[0] != "3" || *minor > kNewestMinor) {
        report.problem(version, path, "is newer than 3.5.0, the newest that is known here");
    } else {
        return static_cast<int>(*minor);
    }
    return std::nullopt;
}

}  // namespace

Config read_ignition(std::string_view text, const std::string& file) {
    Config config;
    config.document = Value::map();
    auto document = read_json(text, file);
    if (!document) {
        config.report.problems.push_back(document.error().what());
        return config;
    }
    if (!document->is_map()) {
        config.report.problem(*document, {}, "must be a mapping");
        return config;
    }
    const auto minor = minor_version(*document, config.report);
    if (!minor) return config;
    config.document = conform(*document, {.minor = *minor}, config.report);
    check_rules(config.document, *minor, config.report);
    return config;
}

bool looks_like_ignition(std::string_view text) { return trim(text).starts_with('{') && text.contains("\"ignition\""); }

bool looks_like_butane(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        if (line.starts_with("variant:")) return true;
    }
    return false;
}

}  // namespace diatom::ignition
