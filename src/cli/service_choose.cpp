// Which services run: the lists enable, disable and include of the machine's own file.
#include <algorithm>

#include "base/strings.h"
#include "cli/own_configuration.h"
#include "cli/service_parts.h"
#include "configure/gather.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

bool is_place(std::string_view what) { return what.contains('/'); }

bool is_optional(const std::string& name) {
    return sys::exists(std::format("{}/{}.yml", config::kOptionalServices, name));
}

// What runs without being enabled: the machine's own, and what the configuration defines.
std::vector<std::string> defined_names() {
    std::vector<std::string> names;
    const auto own = config::load_services(config::kImageServices).value_or(std::vector<config::SystemService>());
    for (const auto& service : own) names.push_back(service.name);
    const auto machine = configure::gather().layers.merged();
    for (const auto& [name, definition] : machine.at("services").at("define").members()) names.push_back(name);
    return names;
}

Result<void> require_known(const std::string& name) {
    auto known = defined_names();
    if (is_optional(name) || std::ranges::contains(known, name)) return {};
    for (const auto& file : sys::list_dir(config::kOptionalServices).value_or(std::vector<std::string>()))
        known.push_back(file.substr(0, file.rfind('.')));
    const std::vector<std::string_view> names(known.begin(), known.end());
    const auto near = nearest(name, names);
    return fail(Kind::not_found, "there is no service {}; {}", name,
                near ? std::format("did you mean {}?", *near)
                     : std::string("`diatom service list --all` shows which there are; a path or URL of a Compose "
                                   "file can be enabled, too"));
}

Value& services_of(Value& document) {
    auto* services = document.find("services");
    return services == nullptr ? document.set("services", Value::map()) : *services;
}

bool take_out(Value& services, std::string_view list, std::string_view what) {
    auto* items = services.find(list);
    if (items == nullptr) return false;
    const auto count = std::erase_if(items->items(), [&](const Value& item) { return item.text() == what; });
    if (items->items().empty()) services.erase(list);
    return count > 0;
}

void put_in(Value& services, std::string_view list, const std::string& what) {
    auto* items = services.find(list);
    if (items == nullptr) items = &services.set(list, Value::list());
    if (!std::ranges::contains(items->items(), what, &Value::text)) items->add(Value::of(what));
}

void tidy(Value& document) {
    if (document.at("services").members().empty()) document.erase("services");
}

Result<void> enable(Value& document, const std::string& what) {
    auto& services = services_of(document);
    if (is_place(what)) {
        TRY(service::parse_included(what));
        put_in(services, "include", what);
    } else {
        TRY(require_known(what));
        take_out(services, "disable", what);
        if (is_optional(what)) put_in(services, "enable", what);
    }
    tidy(document);
    return {};
}

Result<void> disable(Value& document, const std::string& what) {
    auto& services = services_of(document);
    if (is_place(what)) {
        if (!take_out(services, "include", what))
            return fail(Kind::not_found, "{} is not in services.include of the machine's own file", what);
    } else {
        TRY(require_known(what));
        take_out(services, "enable", what);
        if (std::ranges::contains(defined_names(), what)) put_in(services, "disable", what);
    }
    tidy(document);
    return {};
}

Result<int> change(std::string_view verb, const std::vector<std::string>& names,
                   Result<void> (*edit)(Value& document, const std::string& what)) {
    if (names.empty()) return fail(Kind::invalid, "name the services");
    TRY(change_configuration(std::format("service {} {}", verb, join(names, " ")),
                             [&](Value& document) -> Result<void> {
                                 for (const auto& name : names) TRY(edit(document, name));
                                 return {};
                             }));
    return 0;
}

}  // namespace

Result<int> enable_service(const std::vector<std::string>& names) { return change("enable", names, enable); }
Result<int> disable_service(const std::vector<std::string>& names) { return change("disable", names, disable); }

Result<int> delete_service(const std::vector<std::string>& names) {
    const auto before = TRY(read_services(Look::anew));
    TRY(change("delete", names, disable));
    const auto after = TRY(read_services(Look::anew));
    for (const auto& one : service_containers()) {
        const auto& name = one.container.service;
        const bool was = before.system.traits.contains(name) || before.user.traits.contains(name);
        const bool is = after.system.traits.contains(name) || after.user.traits.contains(name);
        if (one.own ? !std::ranges::contains(names, name) : !was || is) continue;
        TRY(engine_of(one.scope).call("DELETE", "/containers/" + one.container.id + "?force=1&v=1"), "remove {}",
            one.container.name);
    }
    return 0;
}

}  // namespace diatom::cli
