#include "cli/adopt_machine.h"

#include "cli/service_parts.h"

namespace diatom::cli {
namespace {

Value map_of(const std::map<std::string, std::string>& texts) {
    auto map = Value::map();
    for (const auto& [key, text] : texts) map.set(key, text);
    return map;
}

std::vector<std::string> names_of(const Json& things, std::string_view key) {
    std::vector<std::string> names;
    if (!things.is_array()) return names;
    for (const auto& thing : things) {
        const auto& said = json_member(thing, key);
        const auto& name = said.is_array() && !said.empty() ? said.front() : said;
        if (name.is_string()) names.push_back(name.get<std::string>());
    }
    return names;
}

Result<std::vector<std::string>> volumes() {
    const auto listed = TRY(engine_of(service::Scope::user).get("/volumes"));
    return names_of(json_member(listed, "Volumes"), "Name");
}

Result<std::vector<std::string>> users(const std::string& volume) {
    const auto filter = dump_json({{"volume", {volume}}});
    const auto listed =
        TRY(engine_of(service::Scope::user).get("/containers/json?all=1&filters=" + compose::percent_encode(filter)));
    auto names = names_of(listed, "Names");
    for (auto& name : names) {
        if (name.starts_with('/')) name.erase(0, 1);
    }
    return names;
}

Result<void> create(const adopt::OldVolume& volume) {
    auto body = Value::map();
    body.set("Name", volume.name);
    body.set("Labels", map_of(volume.labels));
    body.set("DriverOpts", map_of(volume.options));
    TRY(engine_of(service::Scope::user).call("POST", "/volumes/create", body));
    return {};
}

Result<void> remove(const std::string& volume) {
    TRY(engine_of(service::Scope::user).call("DELETE", "/volumes/" + compose::percent_encode(volume)));
    return {};
}

}  // namespace

adopt::Adoption adoption_of_machine() {
    return adopt::Adoption({.engine = {.volumes = volumes, .users = users, .create = create, .remove = remove}});
}

}  // namespace diatom::cli
