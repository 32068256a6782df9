#include <algorithm>
#include <array>

#include "base/strings.h"
#include "compose/expand.h"
#include "compose/normalize.h"

namespace diatom::compose {
namespace {

Failure undefined(const Value& at, const std::string& path, std::string_view what, std::string_view name) {
    return at.error(path, std::format("names the {} \"{}\", which no file describes", what, name));
}

using Names = std::set<std::string>;

Result<void> check_references(const Value& document, const Value& service, const std::string& path,
                              const Names& known) {
    for (const auto& [network, attachment] : service.at("networks").members()) {
        if (!document.at("networks").has(network)) return undefined(service, path, "network", network);
    }
    for (const auto& volume : service.at("volumes").items()) {
        const auto source = volume.text_of("source");
        const bool is_named = volume.text_of("type") == "volume" && !source.empty();
        if (is_named && !document.at("volumes").has(source)) return undefined(volume, path, "volume", source);
        if (volume.text_of("type") == "bind" && source.empty()) {
            return volume.error(path, "a volume of type bind needs a source");
        }
    }
    const auto check = [&](const Value& list, const char* section, std::string_view what) -> Result<void> {
        for (const auto& item : list.items()) {
            const auto source = item.text_of("source");
            if (!document.at(section).has(source)) return undefined(item, path, what, source);
        }
        return {};
    };
    TRY(check(service.at("secrets"), "secrets", "secret"));
    TRY(check(service.at("build").at("secrets"), "secrets", "secret"));
    TRY(check(service.at("configs"), "configs", "config"));
    const auto mode = service.text_of("network_mode");
    if (mode.starts_with("service:") && !document.at("services").has(mode.substr(8))) {
        return undefined(service, path, "service", mode.substr(8));
    }
    for (const auto& [name, dependency] : service.at("depends_on").members()) {
        if (document.at("services").has(name)) continue;
        if (known.contains(name) && !dependency.boolean_of("required", true)) continue;
        return dependency.error(path,
                                std::format("depends on the service \"{}\", which is not there or whose profile is "
                                            "not active: add it, or activate its profile",
                                            name));
    }
    return {};
}

struct Twins {
    const char* key;    // of the service
    const char* group;  // of deploy.resources
    const char* name;
};
constexpr std::array<Twins, 4> kTwins{{{"cpus", "limits", "cpus"},
                                       {"mem_limit", "limits", "memory"},
                                       {"mem_reservation", "reservations", "memory"},
                                       {"pids_limit", "limits", "pids"}}};

Result<void> check_twins(const Value& service, const std::string& path) {
    const auto& deploy = service.at("deploy");
    if (service.has("scale") && deploy.has("replicas") && !(service.at("scale") == deploy.at("replicas"))) {
        return service.error(path, "scale and deploy.replicas differ: keep one of them");
    }
    for (const auto& twins : kTwins) {
        const auto& group = deploy.at("resources").at(twins.group);
        if (!service.has(twins.key) || !group.is_map() || service.at(twins.key) == group.at(twins.name)) continue;
        return service.error(path, std::format("{} and deploy.resources.{}.{} differ: keep one of them", twins.key,
                                               twins.group, twins.name));
    }
    return {};
}

Result<void> check_service(const Value& document, const Value& service, const std::string& path, const Names& known) {
    if (!service.has("image") && !service.has("build")) {
        return service.error(path, "has neither an image nor a build: add one");
    }
    const auto& build = service.at("build");
    if (build.has("dockerfile") && build.has("dockerfile_inline")) {
        return build.error(path, "build has both dockerfile and dockerfile_inline: keep one of them");
    }
    if (service.has("network_mode") && !service.at("networks").members().empty()) {
        return service.error(path, "has both network_mode and networks: keep one of them");
    }
    const auto test = service.at("healthcheck").texts_of("test");
    if (!test.empty() && test[0] != "CMD" && test[0] != "CMD-SHELL" && test[0] != "NONE") {
        return service.error(path, "healthcheck.test must begin with CMD, CMD-SHELL or NONE");
    }
    for (const auto& volume : service.at("volumes").items()) {
        if (!volume.has("target")) return volume.error(path, "a volume needs a target");
    }
    for (const auto& port : service.at("ports").items()) {
        if (!port.has("target")) return port.error(path, "a port needs a target");
    }
    const auto scale = service.integer_of("scale", service.at("deploy").integer_of("replicas", 1));
    if (scale > 1 && service.has("container_name")) {
        return service.error(path,
                             "has a container_name, which several containers cannot share: remove it or the scale");
    }
    TRY(check_twins(service, path));
    return check_references(document, service, path, known);
}

// Of a secret or a config: exactly one place where its contents come from.
Result<void> check_contents(const Value& document, const char* section, std::span<const char* const> sources) {
    for (const auto& [name, object] : document.at(section).members()) {
        const auto path = child_path(section, name);
        const auto given = std::ranges::count_if(sources, [&](const char* source) { return object.has(source); });
        if (given > 1) return object.error(path, "takes its contents from several places: keep one of them");
        if (given == 0 && !object.boolean_of("external") && !object.has("driver")) {
            return object.error(path,
                                "says nothing of its contents: give it a file or an environment variable, or say "
                                "external: true");
        }
    }
    return {};
}

class CircleSearch {
public:
    explicit CircleSearch(const Value& services) : services_(services) {}

    Result<void> visit(const std::string& name) {
        if (std::ranges::contains(path_, name)) {
            path_.push_back(name);
            return fail(Kind::invalid, "services depend on each other in a circle: {}", join(path_, " -> "));
        }
        if (std::ranges::contains(done_, name)) return {};
        path_.push_back(name);
        for (const auto& [other, dependency] : services_.at(name).at("depends_on").members()) TRY(visit(other));
        path_.pop_back();
        done_.push_back(name);
        return {};
    }

private:
    const Value& services_;
    std::vector<std::string> path_, done_;
};

}  // namespace

Result<void> check_consistency(const Value& document, const std::set<std::string>& known) {
    static constexpr std::array kSecretSources{"file", "environment"};
    static constexpr std::array kConfigSources{"file", "environment", "content"};
    const auto& services = document.at("services");
    for (const auto& [name, service] : services.members()) {
        TRY(check_service(document, service, child_path("services", name), known));
    }
    CircleSearch search(services);
    for (const auto& [name, service] : services.members()) TRY(search.visit(name));
    TRY(check_contents(document, "secrets", kSecretSources));
    return check_contents(document, "configs", kConfigSources);
}

}  // namespace diatom::compose
