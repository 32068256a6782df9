#include "cli/check_document.h"

#include <format>

#include "cloud/network.h"
#include "cloud/translate.h"
#include "cloud/user_data.h"
#include "configure/hand_over.h"
#include "ignition/ignition.h"
#include "machine/check.h"
#include "machine/store.h"

namespace diatom::cli {
namespace {

void sort_out(const std::vector<cloud::Warning>& warnings, Checked& checked) {
    for (const auto& warning : warnings) {
        const bool is_mistake = warning.kind != cloud::Warning::Kind::no_meaning;
        (is_mistake ? checked.mistakes : checked.notes).push_back(warning.text);
    }
}

constexpr std::string_view kNotFetched = "nothing is fetched to check a file";

Checked check_ignition(const std::string& text, const std::string& file) {
    auto config =
        ignition::looks_like_ignition(text) ? ignition::read_ignition(text, file) : ignition::read_butane(text, file);
    bool is_whole = true;
    // What requests need is fetched, too, and would keep the rest from being judged.
    for (const auto* key : {"config", "security"}) {
        auto* ignition = config.document.find("ignition");
        if (ignition == nullptr || !ignition->has(key)) continue;
        ignition->erase(key);
        is_whole = false;
    }
    const auto fetch = [](const ignition::Request&) -> Result<std::string> {
        return fail(Kind::unavailable, "{}", kNotFetched);
    };
    auto report = ignition::to_machine(config, fetch).report;
    const auto unknown = std::erase_if(report.problems, [](const auto& text) { return text.contains(kNotFetched); });
    if (unknown > 0 || !is_whole)
        report.warnings.push_back(std::format("{}: {}: what it names by URLs is not judged", file, kNotFetched));
    return {std::move(report.problems), std::move(report.warnings)};
}

}  // namespace

Checked check_cloud_init(const std::string& text, const std::string& file, const platform::Instance& instance) {
    const auto data = configure::instance_data_of(instance);
    const cloud::Sources sources{.fetch = [](const std::string&, bool) -> Result<std::string> { return ""; },
                                 .instance_data = &data,
                                 .launch_index = {}};
    cloud::Handed handed{.user_data = text, .vendor_data = {}, .user_file = file};
    Checked checked;
    sort_out(cloud::translate_user_data(handed, sources, configure::options_of_machine()).translation.warnings,
             checked);
    return checked;
}

Result<Checked> check_network_config(const std::string& text, const std::string& file) {
    Checked checked;
    sort_out(TRY(cloud::read_network_config(text, file)).warnings, checked);
    return checked;
}

Result<Checked> check_document(const std::string& text, const std::string& file) {
    if (cloud::is_cloud_init(text)) return check_cloud_init(text, file);
    if (ignition::looks_like_ignition(text) || ignition::looks_like_butane(text)) return check_ignition(text, file);
    Checked checked;
    const auto document = TRY(machine::read_document(text, file));
    for (const auto& problem : machine::check(document)) checked.mistakes.push_back(problem.text);
    return checked;
}

}  // namespace diatom::cli
