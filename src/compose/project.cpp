#include "compose/project.h"

#include <openssl/evp.h>

#include <array>

#include "base/strings.h"
#include "compose/normalize.h"
#include "compose/project_files.h"
#include "compose/schema.h"

namespace diatom::compose {
namespace {

void collect_names(Project& project, const Value& document) {
    for (const auto& [name, service] : document.at("services").members()) {
        project.all_services.insert(name);
        for (auto& profile : service.texts_of("profiles")) project.profiles.insert(std::move(profile));
    }
}

std::string doubled(std::string_view text) {
    std::string out;
    for (const char c : text) out.append(c == '$' ? 2 : 1, c);
    return out;
}

}  // namespace

Result<Project> load_project(const LoadOptions& options) {
    auto origin = TRY(find_origin(options));
    auto& source = origin.source;
    ModelLoader loader(options.interpolate, options.read_input);
    if (!origin.is_named) {
        if (auto named = normalize_name(TRY(loader.find_name(source))); !named.empty()) origin.name = std::move(named);
    }
    if (origin.name.empty()) {
        return fail(Kind::invalid, "the project has no name: give it one with -p, or as `name:` in the Compose file");
    }
    source.environment["COMPOSE_PROJECT_NAME"] = origin.name;

    auto document = TRY(loader.load(source));
    Project project;
    project.name = origin.name;
    project.directory = source.directory;
    project.files = source.files;
    project.environment = source.environment;
    for (const auto& name : loader.unset()) {
        project.warnings.push_back(std::format("the variable {} is not set: it stands for nothing", name));
    }
    document.erase("version");
    document.set("name", origin.name);
    normalize(document, origin.name, source.environment);
    collect_names(project, document);
    const Selection selection{{origin.profiles.begin(), origin.profiles.end()}, options.services, options.dependencies};
    TRY(activate_services(document, selection));
    drop_unused(document);
    TRY(select_services(document, selection));
    TRY(read_service_files(document, source.environment));
    project.document = TRY(finish(document, document_type(), options.extensions));
    TRY(check_consistency(project.document, project.all_services));
    return project;
}

void escape_dollars(Value& value) {
    if (value.is_text() && value.text().contains('$')) value = Value::of(doubled(value.text()));
    for (auto& item : value.items()) escape_dollars(item);
    if (!value.is_map()) return;
    for (auto& [key, member] : value.members()) {
        key = doubled(key);
        escape_dollars(member);
    }
}

std::string config_hash(const Value& service) {
    // What does not make another container: see the label com.docker.compose.config-hash of docker compose.
    static constexpr std::array kNotHashed{"build", "pull_policy", "scale"};
    auto hashed = service;
    for (const auto* key : kNotHashed) hashed.erase(key);
    if (auto* deploy = hashed.find("deploy")) deploy->erase("replicas");
    const auto text = to_json(hashed, JsonStyle::compact);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return {};
    return to_hex(std::span(digest).first(size));
}

}  // namespace diatom::compose
