// The containers of a project, as the engine lists them. Thread side: any; blocks.
#pragma once

#include <string>
#include <vector>

#include "compose/docker_client.h"

namespace diatom::compose {

struct Container {
    std::string id, name, service, state, status, image, image_id, hash, command;
    int number = 0;
    std::int64_t created = 0;  // seconds since 1970
    bool one_off = false;
    Json ports;

    bool is_running() const { return state == "running" || state == "restarting" || state == "paused"; }
};

// One of GET /containers/json.
Container decode_container(const Json& listed);

enum class OneOffs : std::uint8_t { without, with };

// Of all states, by service and number.
Result<std::vector<Container>> list_containers(const Client& client, const std::string& project,
                                               OneOffs one_offs = OneOffs::without);

// {"label": ["a=b"]} and so on, encoded for a query.
std::string filters(const std::vector<std::pair<std::string, std::string>>& wanted);

// A project, as its containers' labels tell of it.
struct ProjectSummary {
    std::string name, status, files;  // "exited(1), running(2)"; comma-separated
};
enum class Stopped : std::uint8_t { without, with };
// By name; without stopped containers also without the projects that have no others.
Result<std::vector<ProjectSummary>> list_projects(const Client& client, Stopped stopped);

struct Health {
    bool running = false, restarting = false, healthy = false, unhealthy = false, has_check = false;
    std::int64_t exit_code = 0;
};
Result<Health> inspect_health(const Client& client, const std::string& id);

}  // namespace diatom::compose
