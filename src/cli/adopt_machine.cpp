#include "cli/adopt_machine.h"

#include "cli/service_parts.h"
#include "compose/containers.h"

namespace diatom::cli {
namespace {

Value map_of(const std::map<std::string, std::string>& texts) {
    auto map = Value::map();
    for (const auto& [key, text] : texts) map.set(key, text);
    return map;
}

Result<std::vector<std::string>> volumes() {
    const auto listed = TRY(engine_of(service::Scope::user).get("/volumes"));
    std::vector<std::string> names;
    for (const auto& volume : json_member(listed, "Volumes")) names.push_back(TRY(json_string(volume, "Name")));
    return names;
}

Result<std::vector<std::string>> users(const std::string& volume) {
    const auto query = "/containers/json?all=1&" + compose::filters({{"volume", volume}});
    const auto listed = TRY(engine_of(service::Scope::user).get(query));
    std::vector<std::string> names;
    for (const auto& container : listed) names.push_back(compose::decode_container(container).name);
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
