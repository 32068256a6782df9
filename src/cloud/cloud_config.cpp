#include "cloud/cloud_config.h"

#include "cloud/draft.h"
#include "machine/check.h"

namespace diatom::cloud {

Value& Draft::part(std::initializer_list<std::string_view> keys, const Value& from) {
    auto* at = &document;
    for (const auto key : keys) {
        auto* below = at->find(key);
        if (below == nullptr || !below->is_map()) below = &at->set(key, placed(Value::map(), from));
        at = below;
    }
    return *at;
}

void Draft::add(std::initializer_list<std::string_view> keys, std::string_view list, Value item, const Value& from) {
    auto& map = part(keys, from);
    auto* items = map.find(list);
    if (items == nullptr) items = &map.set(list, placed(Value::list(), from));
    items->add(std::move(item));
}

Translation Draft::finish() {
    // Chapters that were begun for nothing.
    std::erase_if(document.members(),
                  [](const Member& member) { return member.second.is_map() && member.second.members().empty(); });
    for (auto& problem : machine::keep_valid(document)) {
        const auto halves = problem.text.find(": " + problem.path.text());
        Warning warning{Warning::Kind::wrong_value, {}, 0, problem.path.text(), std::move(problem.text)};
        // Its place stands before the path: "FILE:LINE: users.core.uid: …".
        const auto colon = halves == std::string::npos ? halves : warning.text.rfind(':', halves - 1);
        if (colon != std::string::npos) {
            warning.file = warning.text.substr(0, colon);
            warning.line = 0;
            for (auto i = colon + 1; i < halves; ++i)
                warning.line = warning.line * 10 + static_cast<std::uint32_t>(warning.text[i] - '0');
        }
        notes.append({std::move(warning)});
    }
    return {std::move(document), notes.take(), keeps_hostname, takes_platform_keys};
}

Translation translate_cloud_config(const Value& config, const Options& options) {
    Draft draft(options);
    const Section section(config, {}, draft.notes);
    if (section.expect(cloud_config_keys())) {
        translate_settings(section, draft);
        translate_accounts(section, draft);
        translate_passwords(section, draft);
        translate_ssh(section, draft);
        translate_files(section, draft);
        translate_commands(section, draft);
        translate_mounts(section, draft);
        translate_disks(section, draft);
        translate_network_key(section, draft);
        translate_rancher(section, draft);
    }
    return draft.finish();
}

}  // namespace diatom::cloud
