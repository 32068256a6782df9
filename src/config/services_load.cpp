// The system services of a machine: those of its image, then those of its configuration, each after what it depends on.
#include <algorithm>

#include "base/strings.h"
#include "config/services.h"
#include "config/yaml.h"
#include "sys/file.h"

namespace diatom::config {
namespace {

// io.rancher.os.before=A is A's dependency on this one.
void apply_before(std::vector<SystemService>& services) {
    for (const auto& service : services) {
        const auto it = service.labels.find("io.rancher.os.before");
        if (it == service.labels.end()) continue;
        for (const auto name : split(it->second, ',')) {
            for (auto& later : services) {
                if (later.name == trim(name)) later.depends_on.push_back({service.name, Condition::started, false});
            }
        }
    }
}

std::vector<SystemService> read_configured(const std::string& directory, std::vector<std::string>& problems) {
    auto names = sys::list_dir(directory).value_or(std::vector<std::string>());
    std::ranges::sort(names);
    std::vector<SystemService> services;
    for (const auto& name : names) {
        if (!name.ends_with(".yml")) continue;
        const auto file = directory + "/" + name;
        const auto text = sys::read_file(file, kMaxYaml);
        auto found =
            text ? parse_services(*text, file) : Result<std::vector<SystemService>>(std::unexpected(text.error()));
        if (!found) problems.push_back(found.error().what());
        else std::ranges::move(*found, std::back_inserter(services));
    }
    return services;
}

// Who needed one that is disabled does without: that is what was asked for.
void disable(std::vector<SystemService>& services, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        std::erase_if(services, [&](const SystemService& service) { return service.name == name; });
        for (auto& service : services)
            std::erase_if(service.depends_on, [&](const Dependency& d) { return d.service == name; });
    }
}

}  // namespace

std::vector<std::string> disabled_services(const std::string& directory) {
    const auto text = sys::read_file(directory + "/" + kDisabledServices, kMaxYaml).value_or("");
    std::vector<std::string> names;
    for (const auto line : split(text, '\n')) {
        if (!trim(line).empty()) names.emplace_back(trim(line));
    }
    return names;
}

std::vector<std::string> add_configured(std::vector<SystemService>& services, const std::string& directory) {
    std::vector<std::string> problems;
    auto waiting = read_configured(directory, problems);
    std::erase_if(waiting, [&](const SystemService& service) {
        if (!std::ranges::contains(services, service.name, &SystemService::name)) return false;
        problems.push_back(std::format("service {}: the machine has one of this name", service.name));
        return true;
    });
    const auto disabled = disabled_services(directory);
    disable(services, disabled);
    disable(waiting, disabled);
    // All at once, for they may depend on each other; where that fails, who can be added alone is.
    std::vector<SystemService> all = services;
    all.insert(all.end(), waiting.begin(), waiting.end());
    apply_before(all);
    if (auto ordered = order_services(std::move(all))) {
        services = std::move(*ordered);
        return problems;
    }
    for (bool added = true; added;) {
        added = false;
        for (auto it = waiting.begin(); it != waiting.end();) {
            auto with = services;
            with.push_back(*it);
            auto ordered = order_services(std::move(with));
            it = ordered ? waiting.erase(it) : std::next(it);
            if (!ordered) continue;
            services = std::move(*ordered);
            added = true;
        }
    }
    for (const auto& service : waiting) {
        auto with = services;
        with.push_back(service);
        const auto ordered = order_services(std::move(with));
        problems.push_back(std::format("service {}: {}", service.name, ordered ? "" : ordered.error().what()));
    }
    return problems;
}

Result<std::vector<SystemService>> load_services(const std::string& directory) {
    auto names = TRY(sys::list_dir(directory), "read the system services");
    std::ranges::sort(names);
    std::vector<SystemService> services;
    for (const auto& name : names) {
        if (!name.ends_with(".yml") && !name.ends_with(".yaml")) continue;
        const std::string file = directory + "/" + name;
        const auto text = TRY(sys::read_file(file, kMaxYaml));
        auto found = TRY(parse_services(text, file));
        for (auto& service : found) {
            if (std::ranges::contains(services, service.name, &SystemService::name)) {
                return fail(Kind::conflict, "{}: a service named {} exists already", file, service.name);
            }
            services.push_back(std::move(service));
        }
    }
    apply_before(services);
    return order_services(std::move(services));
}

Result<std::vector<SystemService>> order_services(std::vector<SystemService> services) {
    std::vector<SystemService> ordered;
    const auto is_placed = [&](const Dependency& d) {
        if (std::ranges::contains(ordered, d.service, &SystemService::name)) return true;
        return !d.required && !std::ranges::contains(services, d.service, &SystemService::name);
    };
    for (const auto& service : services) {
        for (const auto& d : service.depends_on) {
            if (d.required && !std::ranges::contains(services, d.service, &SystemService::name)) {
                return fail(Kind::not_found, "service {} depends on {}, which does not exist", service.name, d.service);
            }
        }
    }
    while (!services.empty()) {
        const auto ready =
            std::ranges::find_if(services, [&](const auto& s) { return std::ranges::all_of(s.depends_on, is_placed); });
        if (ready == services.end()) {
            std::vector<std::string> names;
            for (const auto& service : services) names.push_back(service.name);
            return fail(Kind::invalid, "services depend on each other in a circle: {}", join(names, ", "));
        }
        ordered.push_back(std::move(*ready));
        services.erase(ready);
    }
    return ordered;
}

}  // namespace diatom::config
