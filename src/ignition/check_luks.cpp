// LUKS is refused in the end, but what the specification forbids is said as such.
#include <algorithm>
#include <array>

#include "ignition/check.h"

namespace diatom::ignition {
namespace {

void check_clevis(const Value& clevis, const Path& path, Report& report) {
    const auto& custom = clevis.at("custom");
    const bool named = !custom.text_of("pin").empty();
    if (named && (!clevis.at("tang").items().empty() || clevis.boolean_of("tpm2") || clevis.integer_of("threshold"))) {
        report.problem(clevis, path, "a custom configuration stands beside others");
    }
    if (named || !custom.text_of("config").empty() || custom.boolean_of("needsNetwork")) {
        static constexpr std::array<std::string_view, 3> kPins{"tpm2", "tang", "sss"};
        if (!std::ranges::contains(kPins, custom.text_of("pin"))) {
            report.problem(custom, path / "custom" / "pin", "must be tpm2, tang or sss");
        }
        if (custom.text_of("config").empty()) report.problem(custom, path / "custom" / "config", "is missing");
    }
    for (const auto& tang : clevis.at("tang").items()) {
        const auto url = tang.text_of("url");
        if (!url.starts_with("http://") && !url.starts_with("https://")) {
            report.problem(tang, path / "tang" / "url", "must be an http or https URL");
        }
        if (tang.text_of("thumbprint").empty()) report.problem(tang, path / "tang" / "thumbprint", "is missing");
    }
}

}  // namespace

void check_luks(const Value& luks, int minor, const Path& path, Report& report) {
    if (luks.text_of("name").contains('/')) report.problem(luks, path / "name", "must not have a slash");
    if (luks.text_of("label").size() > 47) report.problem(luks, path / "label", "is longer than 47 bytes");
    if (const auto fault = path_fault(luks.text_of("device")); !fault.empty()) {
        report.problem(luks, path / "device", fault);
    }
    check_resource(luks.at("keyFile"), minor, path / "keyFile", report);
    check_clevis(luks.at("clevis"), path / "clevis", report);
    if (!luks.at("cex").boolean_of("enabled")) return;
    if (!luks.at("clevis").members().empty()) report.problem(luks, path / "cex", "does not go with clevis");
    if (!luks.at("keyFile").text_of("source").empty())
        report.problem(luks, path / "cex", "does not go with a key file");
}

}  // namespace diatom::ignition
