// Services of the configuration, for the system engine: /run/diatom/config/services, one file each.
#include <algorithm>
#include <format>

#include "base/strings.h"
#include "config/services.h"
#include "configure/apply.h"
#include "configure/replacements.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

bool is_file_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && !name.contains('/') && !name.contains('\0');
}

// What is written for the system engine, and for `diatom service`, which has everything on an image of a registry.
struct Rendered {
    struct File {
        std::string name, text;
    };
    std::vector<File> own, projects;
    std::vector<std::string> included, disabled;
    bool has_runner = false;  // there is something for `diatom service run` to do

    bool empty() const { return own.empty() && disabled.empty() && !has_runner; }
};

// Where a service is defined there is no place to define networks: those that it names are there, as of `docker network
// create`.
Value networks_of(const Value& definition) {
    auto external = Value::map(), networks = Value::map();
    external.set("external", Value::of(true));
    const auto add = [&](const std::string& network) {
        if (network == "default") return;
        external.set("name", network);
        networks.set(network, external);
    };
    for (const auto& network : definition.texts_of("networks")) add(network);
    for (const auto& [network, options] : definition.at("networks").members()) add(network);
    return networks;
}

void render(const std::string& name, const Value& definition, Rendered& made, Plan& plan) {
    const auto key = std::format("services.define.{}", name);
    const auto refuse = [&](std::string_view why) {
        plan.refused.push_back(definition.error(key, why, Kind::unsupported).error().what());
    };
    if (!is_file_name(name)) return refuse("is no name of a service");
    auto services = Value::map(), document = Value::map();
    services.set(name, definition);
    document.set("services", std::move(services));
    if (auto networks = networks_of(definition); !networks.members().empty())
        document.set("networks", std::move(networks));
    auto text = to_yaml(document);
    if (const auto image = definition.text_of("image"); !image.empty() && !config::is_own_root(image)) {
        made.projects.push_back({name, std::move(text)});
        return;
    }
    // The engine's reader says what is wrong now, while there is somebody to tell it with its place.
    if (const auto parsed = config::parse_services(text, key); !parsed) return refuse(parsed.error().what());
    made.has_runner |= definition.at("labels").has(config::kScheduleLabel);
    made.own.push_back({name, std::move(text)});
}

std::vector<std::string> disabled(const Value& machine) {
    auto names = machine.at("services").texts_of("disable");
    const auto& engine = machine.at("engine");
    if (!engine.boolean_of("enabled", true) || engine.has("image")) names.emplace_back("user-engine");
    if (!machine.at("time").boolean_of("enabled", true)) names.emplace_back("ntp");
    return names;
}

// Consoles and engines of images are services, too.
void add_replacements(const Value& machine, Rendered& made) {
    const auto add = [&](const char* name, std::optional<Value> definition) {
        if (!definition) return;
        auto services = Value::map(), document = Value::map();
        services.set(name, std::move(*definition));
        document.set("services", std::move(services));
        made.projects.push_back({name, to_yaml(document)});
    };
    add(kImageConsole, image_console(machine));
    add(kImageEngine, image_engine(machine.at("engine")));
}

// By name those that are defined, and the machine's own, run without being asked for.
std::vector<std::string> included(const Value& services, const Root& root) {
    auto wanted = services.texts_of("include");
    for (const auto& name : services.texts_of("enable")) {
        const bool is_place = name.contains('/');
        if (is_place || sys::exists(root.at(std::format("{}/{}.yml", config::kOptionalServices, name))))
            wanted.push_back(name);
    }
    return wanted;
}

Result<void> write_files(const std::string& directory, const std::vector<Rendered::File>& files) {
    TRY(sys::make_dirs(directory, 0700));
    for (const auto& file : files)
        TRY(sys::write_file(std::format("{}/{}.yml", directory, file.name), file.text, 0600));
    return {};
}

Result<void> write(const std::string& directory, const Rendered& made) {
    TRY(sys::remove_tree(directory));
    TRY(write_files(directory, made.own));
    TRY(sys::write_file(std::format("{}/{}", directory, config::kDisabledServices), join(made.disabled, "\n") + "\n"));
    if (!made.has_runner) return {};
    const auto projects = std::format("{}/{}", directory, config::kProjects);
    TRY(write_files(projects, made.projects));
    return sys::write_file(std::format("{}/{}", projects, config::kIncluded), join(made.included, "\n") + "\n", 0600);
}

}  // namespace

void plan_services(const Value& machine, const Root& root, Plan& plan) {
    const auto& services = machine.at("services");
    Rendered made;
    for (const auto& [name, definition] : services.at("define").members()) render(name, definition, made, plan);
    add_replacements(machine, made);
    made.disabled = disabled(machine);
    made.included = included(services, root);
    // Beside what is defined: images that lie ready, and containers of what no longer is.
    made.has_runner |= !made.projects.empty() || !made.included.empty() || sys::exists(root.at(config::kPreload)) ||
                       sys::exists(root.at(config::kServicesState));
    const auto directory = root.at(config::kConfiguredServices);
    if (made.empty() && !sys::exists(directory)) return;
    plan.steps.push_back({"services", "write the services of the configuration, which run from the next boot on",
                          [=] { return write(directory, made); }});
}

}  // namespace diatom::configure
