#include "cli/check_report.h"

#include <format>

namespace diatom::cli {
namespace {

std::string text_of(const Json& object, std::string_view key) { return json_string(object, key).value_or(""); }

bool holds(const Json& report) { return json_bool(report, "holds").value_or(false); }

std::string summary(const Json& report) {
    const auto findings = json_member(report, "findings").size();
    auto result = holds(report) ? std::string("all invariants hold")
                                : std::format("{} do{} not hold", findings, findings == 1 ? "es" : "");
    if (!report.contains("containers")) return result;
    return std::format("{}: {} containers, {} running, {} descriptors", result,
                       json_int(report, "containers").value_or(0), json_int(report, "running").value_or(0),
                       json_int(report, "descriptors").value_or(0));
}

}  // namespace

std::string draw_check(const Json& engines) {
    std::string text;
    for (const auto& [scope, report] : engines.items()) {
        text += std::format("{:13} {}\n", scope + " engine", summary(report));
        for (const auto& finding : json_member(report, "findings")) {
            text += std::format("  VIOLATION   {}: {}; {}\n", text_of(finding, "what"), text_of(finding, "where"),
                                text_of(finding, "advice"));
        }
        for (const auto& part : json_member(report, "skipped")) {
            if (part.is_string()) text += std::format("  not checked {}\n", part.get<std::string>());
        }
    }
    return text;
}

bool all_hold(const Json& engines) {
    for (const auto& report : engines) {
        if (!holds(report)) return false;
    }
    return !engines.empty();
}

}  // namespace diatom::cli
