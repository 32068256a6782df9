// Services of the configuration, for the system engine: /run/diatom/config/services, one file each.
#include <algorithm>
#include <format>

#include "base/strings.h"
#include "config/services.h"
#include "configure/apply.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kTimer = "cron.schedule";

bool is_file_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && !name.contains('/') && !name.contains('\0');
}

struct Rendered {
    std::string name, text;
};

// The engine's reader says what is wrong now, while there is somebody to tell it with its place.
std::optional<Rendered> render(const std::string& name, const Value& definition, Plan& plan) {
    const auto key = std::format("services.define.{}", name);
    const auto refuse = [&](std::string_view why) {
        plan.refused.push_back(definition.error(key, why, Kind::unsupported).error().what());
        return std::nullopt;
    };
    if (!is_file_name(name)) return refuse("is no name of a service");
    if (definition.at("labels").has(kTimer)) return refuse("timers (cron.schedule) are not run by this version");
    auto services = Value::map(), document = Value::map();
    services.set(name, definition);
    document.set("services", std::move(services));
    auto text = to_yaml(document);
    if (const auto parsed = config::parse_services(text, key); !parsed) return refuse(parsed.error().what());
    return Rendered{name, std::move(text)};
}

std::vector<std::string> disabled(const Value& machine) {
    auto names = machine.at("services").texts_of("disable");
    if (!machine.at("engine").boolean_of("enabled", true)) names.emplace_back("user-engine");
    if (!machine.at("time").boolean_of("enabled", true)) names.emplace_back("ntp");
    return names;
}

Result<void> write(const std::string& directory, const std::vector<Rendered>& services,
                   const std::vector<std::string>& off) {
    TRY(sys::remove_tree(directory));
    TRY(sys::make_dirs(directory, 0700));
    for (const auto& service : services)
        TRY(sys::write_file(std::format("{}/{}.yml", directory, service.name), service.text, 0600));
    return sys::write_file(std::format("{}/{}", directory, config::kDisabledServices), join(off, "\n") + "\n");
}

}  // namespace

void plan_services(const Value& machine, const Root& root, Plan& plan) {
    std::vector<Rendered> services;
    for (const auto& [name, definition] : machine.at("services").at("define").members()) {
        if (auto service = render(name, definition, plan)) services.push_back(std::move(*service));
    }
    const auto off = disabled(machine);
    const auto directory = root.at(config::kConfiguredServices);
    if (services.empty() && off.empty() && !sys::exists(directory)) return;
    plan.steps.push_back({"services", "write the services of the configuration, which run from the next boot on",
                          [=] { return write(directory, services, off); }});
}

}  // namespace diatom::configure
