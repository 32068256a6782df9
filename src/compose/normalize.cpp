#include "compose/normalize.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "compose/dotenv.h"
#include "compose/expand.h"
#include "compose/paths.h"
#include "document/yaml_reader.h"
#include "sys/file.h"

namespace diatom::compose {
namespace {

constexpr std::array kResources{"networks", "volumes", "configs", "secrets"};
constexpr std::array kNamespaces{"network_mode", "ipc", "pid", "uts", "cgroup"};

void depend(Value& service, std::string_view on, bool restart) {
    if (!service.at("depends_on").is_map()) service.set("depends_on", Value::map());
    auto& dependencies = *service.find("depends_on");
    if (dependencies.has(on)) return;
    auto made = Value::map();
    made.set("condition", "service_started");
    made.set("restart", Value::of(restart));
    made.set("required", Value::of(true));
    dependencies.set(on, std::move(made));
}

void imply_dependencies(Value& service) {
    for (const auto& link : service.texts_of("links")) {
        const auto parts = split(link, ':');
        depend(service, parts.size() == 2 ? parts[0] : link, true);
    }
    for (const auto* key : kNamespaces) {
        const auto shared = service.text_of(key);
        if (shared.starts_with("service:")) depend(service, shared.substr(8), true);
    }
    for (const auto& from : service.texts_of("volumes_from")) {
        if (!from.starts_with("container:")) depend(service, split(from, ':')[0], false);
    }
}

void normalize_build(Value& build, const Environment& environment) {
    if (!build.has("context")) build.set("context", ".");
    if (!build.has("dockerfile") && !build.has("dockerfile_inline")) build.set("dockerfile", "Dockerfile");
    auto* arguments = build.find("args");
    if (arguments == nullptr || !arguments->is_map()) return;
    for (auto& [name, value] : arguments->members()) {
        const auto found = environment.find(name);
        if (value.is_null() && found != environment.end()) value = Value::of(found->second);
    }
    std::erase_if(arguments->members(), [](const Member& member) { return member.second.is_null(); });
}

void normalize_service(Value& service, const Environment& environment) {
    if (service.text_of("pull_policy") == "if_not_present") service.set("pull_policy", "missing");
    if (auto* build = service.find("build"); build != nullptr && build->is_map()) normalize_build(*build, environment);
    if (auto* volumes = service.find("volumes")) {
        for (auto& volume : volumes->items()) {
            if (volume.has("target")) volume.set("target", clean_path(volume.text_of("target")));
        }
    }
    imply_dependencies(service);
}

// A service that says nothing of networks is in the network "default".
bool joins_default(Value& service) {
    if (service.has("network_mode")) return false;
    if (service.at("networks").members().empty()) {
        auto networks = Value::map();
        networks.set("default", Value());
        service.set("networks", std::move(networks));
    }
    return service.at("networks").has("default");
}

void name_resources(Value& document, const std::string& project) {
    for (const auto* section : kResources) {
        auto* found = document.find(section);
        if (found == nullptr || !found->is_map()) continue;
        for (auto& [key, resource] : found->members()) {
            if (!resource.is_map()) resource = Value::map();
            if (!resource.at("name").is_null()) continue;
            const auto& external = resource.at("external");
            const bool is_external = external.type() == Value::Type::boolean
                                         ? external.boolean()
                                         : to_lower(external.scalar_text()) == "true";
            resource.set("name", is_external ? key : std::format("{}_{}", project, key));
        }
    }
}

Failure no_such_service(const std::string& name) { return fail(Kind::not_found, "no such service: {}", name); }

// `wanted`, and what these depend on, to the last.
Result<std::set<std::string>> closure(const Value& services, const std::set<std::string>& wanted) {
    std::set<std::string> chosen;
    std::vector<std::string> open(wanted.begin(), wanted.end());
    while (!open.empty()) {
        const auto name = open.back();
        open.pop_back();
        const auto* service = services.find(name);
        if (service == nullptr || !chosen.insert(name).second) continue;
        for (const auto& [other, dependency] : service->at("depends_on").members()) open.push_back(other);
    }
    return chosen;
}

std::set<std::string> keys_of(const Value& map) {
    std::set<std::string> keys;
    for (const auto& [key, value] : map.members()) keys.insert(key);
    return keys;
}

Result<void> read_files_of(Value& service, const std::string& path, const Environment& environment) {
    Environment found;
    for (const auto& entry : service.at("env_file").items()) {
        const auto file = entry.text_of("path");
        const bool required = entry.at("required").scalar_text() != "false";
        if (!sys::exists(file)) {
            if (!required) continue;
            return entry.error(path, std::format("env_file {} is not there: make it, or say required: false", file),
                               Kind::not_found);
        }
        const auto format = entry.text_of("format");
        if (!format.empty() && format != "raw") {
            return entry.error(path,
                               std::format("env_file has the unknown format \"{}\": raw is the only one", format));
        }
        const auto text = TRY(sys::read_file(file, kMaxDocument));
        auto outer = environment;
        outer.insert(found.begin(), found.end());
        auto read = TRY(format == "raw" ? parse_raw_env(text, file) : parse_dotenv(text, file, outer));
        for (auto& [name, value] : read) found[name] = std::move(value);
    }
    service.erase("env_file");
    if (found.empty()) return {};
    if (!service.at("environment").is_map()) service.set("environment", Value::map());
    auto& variables = *service.find("environment");
    for (auto& [name, value] : found) {
        if (!variables.has(name)) variables.set(name, Value::of(std::move(value)));
    }
    return {};
}

Result<void> read_labels_of(Value& service) {
    auto labels = Value::map();
    for (const auto& file : service.texts_of("label_file")) {
        const auto text = TRY(sys::read_file(file, kMaxDocument), "read label_file");
        for (auto& [name, value] : TRY(parse_dotenv(text, file, {}))) labels.set(name, Value::of(std::move(value)));
    }
    service.erase("label_file");
    if (labels.members().empty()) return {};
    for (const auto& [name, value] : service.at("labels").members()) labels.set(name, value);
    service.set("labels", std::move(labels));
    return {};
}

}  // namespace

void normalize(Value& document, const std::string& project, const Environment& environment) {
    bool default_is_used = false;
    if (auto* services = document.find("services")) {
        for (auto& [name, service] : services->members()) {
            if (!service.is_map()) continue;
            if (joins_default(service)) default_is_used = true;
            normalize_service(service, environment);
        }
    }
    if (default_is_used) {
        if (!document.at("networks").is_map()) document.set("networks", Value::map());
        if (!document.at("networks").has("default")) document.find("networks")->set("default", Value());
    }
    name_resources(document, project);
}

Result<void> activate_services(Value& document, const Selection& selection) {
    auto* services = document.find("services");
    if (services == nullptr) {
        return selection.services.empty() ? Result<void>() : no_such_service(selection.services.front());
    }
    auto profiles = selection.profiles;
    for (const auto& name : selection.services) {
        const auto* service = services->find(name);
        if (service == nullptr) return no_such_service(name);
        for (auto& profile : service->texts_of("profiles")) profiles.insert(std::move(profile));
    }
    std::erase_if(services->members(), [&](const Member& member) {
        const auto own = member.second.texts_of("profiles");
        if (own.empty() || profiles.contains("*")) return false;
        return std::ranges::none_of(own, [&](const auto& profile) { return profiles.contains(profile); });
    });
    return {};
}

Result<void> select_services(Value& document, const Selection& selection) {
    auto* services = document.find("services");
    std::set<std::string> wanted(selection.services.begin(), selection.services.end());
    if (services == nullptr || wanted.empty()) return {};
    if (selection.dependencies == Dependencies::with) wanted = TRY(closure(*services, wanted));
    std::erase_if(services->members(), [&](const Member& member) { return !wanted.contains(member.first); });
    if (selection.dependencies == Dependencies::with) return {};
    for (auto& [name, service] : services->members()) {
        if (auto* dependencies = service.find("depends_on")) {
            std::erase_if(dependencies->members(),
                          [&](const Member& member) { return !wanted.contains(member.first); });
        }
    }
    return {};
}

Result<void> read_service_files(Value& document, const Environment& environment) {
    auto* services = document.find("services");
    if (services == nullptr) return {};
    for (auto& [name, service] : services->members()) {
        TRY(read_files_of(service, child_path("services", name), environment));
        TRY(read_labels_of(service));
    }
    return {};
}

void drop_unused(Value& document) {
    std::set<std::string> networks, volumes, secrets, configs;
    for (const auto& [name, service] : document.at("services").members()) {
        networks.merge(keys_of(service.at("networks")));
        for (const auto& volume : service.at("volumes").items()) {
            if (volume.text_of("type") == "volume") volumes.insert(volume.text_of("source"));
        }
        for (const auto& secret : service.at("secrets").items()) secrets.insert(secret.text_of("source"));
        for (const auto& secret : service.at("build").at("secrets").items()) secrets.insert(secret.text_of("source"));
        for (const auto& config : service.at("configs").items()) configs.insert(config.text_of("source"));
    }
    const auto keep = [&](const char* section, const std::set<std::string>& used) {
        auto* found = document.find(section);
        if (found == nullptr || !found->is_map()) return;
        std::erase_if(found->members(), [&](const Member& member) { return !used.contains(member.first); });
        if (found->members().empty()) document.erase(section);
    };
    keep("networks", networks);
    keep("volumes", volumes);
    keep("secrets", secrets);
    keep("configs", configs);
}

}  // namespace diatom::compose
