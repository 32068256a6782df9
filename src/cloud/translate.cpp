#include "cloud/translate.h"

#include <algorithm>

#include "cloud/merge_how.h"
#include "cloud/section.h"

namespace diatom::cloud {
namespace {

void warn(const Part& part, std::string_view why, Notes& notes) {
    Value place;
    place.set_mark({std::make_shared<const std::string>(part.file), part.first_line});
    notes.bad(place, {}, why);
}

// Each part into what came before.
Value merged(const std::vector<Part>& parts, Notes& notes) {
    auto whole = Value::map();
    for (const auto& part : parts) {
        if (part.kind != Part::Kind::cloud_config) continue;
        auto config = read_cloud_config(part);
        if (!config) {
            // It has its place already, but for templates.
            auto text = config.error().what();
            notes.append({{Warning::Kind::wrong_value, part.file, part.first_line, {}, std::move(text)}});
            continue;
        }
        const auto mergers = take_merge_how(*config, part.merge_how);
        if (!mergers) warn(part, mergers.error().what(), notes);
        else whole = merge_configs(std::move(whole), *config, *mergers);
    }
    return whole;
}

void sort_out(std::vector<Part> parts, Taken& taken) {
    for (auto& part : parts) {
        if (part.kind == Part::Kind::ignition) taken.ignition.push_back(std::move(part));
        else if (part.kind != Part::Kind::cloud_config) taken.scripts.push_back(std::move(part));
    }
}

// Whether the user wants what the vendor sends.
bool takes_vendor(const Value& config) {
    const auto* enabled = config.at("vendor_data").find("enabled");
    return enabled == nullptr || truth(*enabled).value_or(true);
}

}  // namespace

Taken translate_user_data(const Handed& handed, const Sources& sources, const Options& options) {
    Taken taken;
    Notes notes;
    auto user = read_user_data(handed.user_data, handed.user_file, sources);
    notes.append(std::move(user.warnings));
    taken.cloud_config = merged(user.parts, notes);
    if (takes_vendor(taken.cloud_config)) {
        auto vendor = read_user_data(handed.vendor_data, handed.vendor_file, sources);
        notes.append(std::move(vendor.warnings));
        taken.cloud_config = merge_below(std::move(taken.cloud_config), merged(vendor.parts, notes));
        // Ignition is the user's to send.
        std::erase_if(vendor.parts, [](const Part& part) { return part.kind == Part::Kind::ignition; });
        sort_out(std::move(vendor.parts), taken);
    }
    sort_out(std::move(user.parts), taken);
    taken.translation = translate_cloud_config(taken.cloud_config, options);
    notes.append(std::move(taken.translation.warnings));
    taken.translation.warnings = notes.take();
    return taken;
}

}  // namespace diatom::cloud
