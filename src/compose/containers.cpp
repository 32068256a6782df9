#include "compose/containers.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/strings.h"
#include "compose/container_spec.h"

namespace diatom::compose {

Container decode_container(const Json& json) {
    Container made;
    made.id = json_string(json, "Id").value_or("");
    const auto names = json_strings(json, "Names").value_or(std::vector<std::string>{});
    if (!names.empty()) made.name = names[0].starts_with('/') ? names[0].substr(1) : names[0];
    made.state = json_string(json, "State").value_or("");
    made.status = json_string(json, "Status").value_or("");
    made.image = json_string(json, "Image").value_or("");
    made.command = json_string(json, "Command").value_or("");
    made.created = json_int(json, "Created").value_or(0);
    made.ports = json_member(json, "Ports");
    const auto& labels = json_member(json, "Labels");
    const auto label_of = [&](std::string_view key) { return json_string(labels, key).value_or(""); };
    made.service = label_of(label::kService);
    made.hash = label_of(label::kHash);
    made.image_id = label_of(label::kImage);
    made.one_off = label_of(label::kOneOff) == "True";
    made.number = static_cast<int>(parse_int(label_of(label::kNumber)).value_or(0));
    return made;
}

std::string filters(const std::vector<std::pair<std::string, std::string>>& wanted) {
    Json json = Json::object();
    for (const auto& [key, value] : wanted) json[key].push_back(value);
    return "filters=" + percent_encode(dump_json(json));
}

Result<std::vector<Container>> list_containers(const Client& client, const std::string& project, OneOffs one_offs) {
    std::vector<std::pair<std::string, std::string>> wanted{{"label", std::format("{}={}", label::kProject, project)}};
    if (one_offs == OneOffs::without) wanted.emplace_back("label", std::format("{}=False", label::kOneOff));
    const auto json =
        TRY(client.get("/containers/json?all=1&" + filters(wanted)), "list the containers of {}", project);
    std::vector<Container> list;
    for (const auto& container : json) list.push_back(decode_container(container));
    std::ranges::sort(list, [](const Container& a, const Container& b) {
        return std::tie(a.service, a.number, a.name) < std::tie(b.service, b.number, b.name);
    });
    return list;
}

Result<std::vector<ProjectSummary>> list_projects(const Client& client, Stopped stopped) {
    const auto json =
        TRY(client.get(
                std::format("/containers/json?all={}&{}", stopped == Stopped::with ? 1 : 0,
                            filters({{"label", std::string(label::kProject)}, {"label", std::string(label::kHash)}}))),
            "list the projects");
    struct Found {
        std::map<std::string, int> states;
        std::set<std::string> files;
    };
    std::map<std::string, Found> projects;
    for (const auto& container : json) {
        const auto& labels = json_member(container, "Labels");
        auto& project = projects[json_string(labels, label::kProject).value_or("")];
        ++project.states[json_string(container, "State").value_or("")];
        project.files.insert(json_string(labels, label::kConfigFiles).value_or(""));
    }
    std::vector<ProjectSummary> list;
    for (const auto& [name, found] : projects) {
        std::vector<std::string> states;
        for (const auto& [state, count] : found.states) states.push_back(std::format("{}({})", state, count));
        list.push_back({name, join(states, ", "), join(std::vector(found.files.begin(), found.files.end()), ",")});
    }
    return list;
}

Result<Health> inspect_health(const Client& client, const std::string& id) {
    const auto json = TRY(client.get("/containers/" + id + "/json"));
    const auto& state = json_member(json, "State");
    Health health;
    health.running = json_bool(state, "Running").value_or(false);
    health.restarting = json_bool(state, "Restarting").value_or(false);
    health.exit_code = json_int(state, "ExitCode").value_or(0);
    const auto status = json_string(json_member(state, "Health"), "Status").value_or("");
    health.has_check = !status.empty() && status != "none";
    health.healthy = status == "healthy";
    health.unhealthy = status == "unhealthy";
    return health;
}

}  // namespace diatom::compose
