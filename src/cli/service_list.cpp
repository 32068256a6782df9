// What `diatom service` shows.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/service_parts.h"
#include "cli/table.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using service::Scope;

struct Row {
    std::string name, from, engine, enabled, state;
};

std::string state_of(const std::string& name, const std::vector<ServiceContainer>& containers, const Json& failed) {
    for (const auto& one : containers) {
        if (one.container.service == name) return one.container.status;
    }
    const auto why = json_string(failed, name).value_or("");
    return why.empty() ? "" : "failed: " + why;
}

// Of one that the image brings along; some are there only where there is something for them.
std::string state_of_own(const config::SystemService& one, const std::vector<ServiceContainer>& containers) {
    auto state = state_of(one.name, containers, {});
    const bool is_idle = !one.needs_path.empty() && !sys::exists(one.needs_path);
    return state.empty() && is_idle ? "nothing to do" : state;
}

// Of `diatom service run`; nothing where it did not run.
Json failures(Scope scope) {
    const auto file = std::format("/run/diatom/services/{}.json", service::project_name(scope));
    const auto text = sys::read_file(file, 1U << 20U);
    return text ? parse_json(*text, file).value_or(Json::object()) : Json::object();
}

// Those that the image brings along, by the name of their file.
std::vector<std::string> optional_names() {
    std::vector<std::string> names;
    for (const auto& file : sys::list_dir(config::kOptionalServices).value_or(std::vector<std::string>())) {
        if (file.ends_with(".yml")) names.push_back(file.substr(0, file.size() - 4));
    }
    std::ranges::sort(names);
    return names;
}

std::vector<Row> rows_of(bool all) {
    const auto services = read_services(Look::anew);
    const auto containers = service_containers();
    const auto off = config::disabled_services(config::kConfiguredServices);
    std::vector<Row> rows;
    const auto image = config::load_services(config::kImageServices).value_or(std::vector<config::SystemService>());
    const auto is_of_image = [&](const std::string& name) {
        return std::ranges::contains(image, name, &config::SystemService::name);
    };
    for (const auto& one : image) {
        const bool is_off = std::ranges::contains(off, one.name);
        rows.push_back({one.name, "image", "system", is_off ? "no" : "yes", state_of_own(one, containers)});
    }
    if (services) {
        for (const auto& one : services->own) {
            if (!is_of_image(one.name))
                rows.push_back({one.name, "configuration", "system", "yes", state_of(one.name, containers, {})});
        }
        for (const auto scope : {Scope::system, Scope::user}) {
            const auto failed = failures(scope);
            for (const auto& [name, traits] : (scope == Scope::system ? services->system : services->user).traits) {
                const auto left_out = services->left_out(name);
                rows.push_back({name, "configuration", service::engine_name(scope), "yes",
                                left_out.empty() ? state_of(name, containers, failed) : "left out: " + left_out});
            }
        }
    } else {
        warn_of_service(services.error().what());
    }
    const auto optional = optional_names();
    for (auto& row : rows) {
        if (row.from == "configuration" && std::ranges::contains(optional, row.name)) row.from = "optional";
    }
    for (const auto& name : optional) {
        if (all && !std::ranges::contains(rows, name, &Row::name))
            rows.push_back({name, "optional", "system", "no", ""});
    }
    return rows;
}

}  // namespace

Result<int> list_services(const Arguments& arguments) {
    std::vector<std::array<std::string, 5>> table{{"SERVICE", "FROM", "ENGINE", "ENABLED", "STATE"}};
    Json json = Json::array();
    for (const auto& row : rows_of(arguments.has("--all"))) {
        table.push_back({row.name, row.from, row.engine, row.enabled, row.state});
        json.push_back({{"name", row.name},
                        {"from", row.from},
                        {"engine", row.engine},
                        {"enabled", row.enabled == "yes"},
                        {"state", row.state}});
    }
    if (arguments.has("--json")) std::puts(dump_json(json, 2).c_str());
    else print_rows(table);
    return 0;
}

Result<int> show_service_containers(const Arguments& arguments) {
    std::vector<std::array<std::string, 5>> table{{"NAME", "SERVICE", "ENGINE", "IMAGE", "STATUS"}};
    Json json = Json::array();
    for (const auto& [container, scope, own] : service_containers()) {
        const std::string engine = service::engine_name(scope);
        table.push_back({container.name, container.service, engine, container.image, container.status});
        json.push_back({{"name", container.name},
                        {"service", container.service},
                        {"engine", engine},
                        {"image", container.image},
                        {"state", container.state},
                        {"status", container.status}});
    }
    if (arguments.has("--json")) std::puts(dump_json(json, 2).c_str());
    else print_rows(table);
    return 0;
}

}  // namespace diatom::cli
