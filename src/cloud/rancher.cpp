// What stands under "rancher". Source: RancherOS 1.5, config/types.go and its documentation.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kRoot =
    "the root file system is read-only and the same at each boot: there is nothing to choose";
constexpr std::string_view kState =
    "the state partition is found by its label, and named on the kernel command line (diatom.state)";
constexpr std::string_view kEngines = "there is one engine, whose settings are those of rancher.docker";

constexpr std::array kKeys{
    Known{"console"},
    Known{"environment"},
    Known{"services"},
    Known{"bootstrap", "nothing runs before there is a disk: write it as a service (rancher.services)"},
    Known{"bootstrap_docker", kEngines},
    Known{"cloud_init_services", "user-data is read by the system itself: write it as a service (rancher.services)"},
    Known{"cloud_init", "data sources are found by what the firmware says of the machine"},
    Known{"debug"},
    Known{"rm_usr", kRoot},
    Known{"no_sharedroot", kRoot},
    Known{"log", "what starts the machine is always in the log: `diatom logs`"},
    Known{"force_console_rebuild", "the console's file system is what console.image says: choose another image"},
    Known{"recovery", "a recovery console is asked for on the kernel command line: diatom.recovery"},
    Known{"disable"},
    Known{"services_include"},
    Known{"modules", "the kernel has no modules: its drivers are built in"},
    Known{"network"},
    Known{"default_network"},
    Known{"repositories", "services come from Compose files by path or URL: services.include"},
    Known{"ssh"},
    Known{"state", kState},
    Known{"system_docker", kEngines},
    Known{"upgrade", "updates are `diatom os`: there is no list of images to choose from"},
    Known{"docker"},
    Known{"registry_auths"},
    Known{"defaults"},
    Known{"resize_device", "the state partition fills its disk at each boot: it grows without being asked"},
    Known{"sysctl"},
    Known{"restart_services", "services are started anew when what they are made of changes, and no others"},
    Known{"hypervisor_service", "which hypervisor's agent runs is said by its service: services.enable"},
    Known{"shutdown_timeout", "each service has its own time to stop: stop_grace_period of Compose"},
    Known{"http_load_retries", "what is fetched is tried again until the boot goes on without it"},
    Known{"preload_wait", "images on the state partition are loaded before services that need them start"},
    Known{"autoformat", "a blank disk is formatted when the kernel command line says so: diatom.state.autoformat"},
    Known{"password"},
    Known{"autologin"},
};

constexpr std::array kSshKeys{Known{"keys"}, Known{"daemon"}, Known{"port"}, Known{"listen_address"}};
constexpr std::array kDefaultKeys{
    Known{"hostname"},
    Known{"network"},
    Known{"docker", kEngines},
    Known{"system_docker_logs", "what services say is in the log: `diatom logs`"},
};
constexpr std::array kAuthKeys{
    Known{"username"},
    Known{"password"},
    Known{"auth"},
    Known{"identitytoken"},
    Known{"serveraddress"},
    Known{"email"},
    Known{"registrytoken", "a registry's token lasts minutes: give identitytoken, or username and password"},
};

void read_texts(const Section& rancher, std::string_view key, Draft& draft, std::string_view name) {
    const auto map = rancher.below(key);
    if (!map) return;
    for (const auto& [variable, value] : map->value().members()) {
        if (value.is_list() || value.is_map()) draft.notes.wrong(value, map->at(variable), "text");
        else draft.part({name}, map->value()).set(variable, placed(Value::of(value.scalar_text()), value));
    }
}

constexpr std::string_view kScopeLabel = "io.rancher.os.scope";

bool has_scope(const Value& labels) {
    if (labels.is_map()) return labels.has(kScopeLabel);
    return std::ranges::any_of(labels.items(),
                               [](const Value& label) { return label.scalar_text().starts_with(kScopeLabel); });
}

// There a service is a container of the user's engine unless its label says otherwise; here of the system's.
void say_scope(Value& service) {
    auto* labels = service.find("labels");
    if (labels != nullptr && has_scope(*labels)) return;
    if (labels != nullptr && labels->is_list()) labels->add(Value::of(std::format("{}=user", kScopeLabel)));
    else if (labels != nullptr && labels->is_map()) labels->set(kScopeLabel, "user");
    else if (labels == nullptr) service.set("labels", placed(Value::map(), service)).set(kScopeLabel, "user");
}

// Of Compose's first version, which has its services' network and logs in keys of their own.
Value service_of(const Value& old) {
    auto service = placed(Value::map(), old);
    for (const auto& [key, value] : old.members()) {
        if (key == "net") {
            service.set("network_mode", value);
        } else if (key == "log_driver" || key == "log_opt") {
            auto* logging = service.find("logging");
            if (logging == nullptr) logging = &service.set("logging", placed(Value::map(), value));
            logging->set(key == "log_driver" ? "driver" : "options", value);
        } else {
            service.set(key, value);
        }
    }
    say_scope(service);
    return service;
}

void read_services(const Section& rancher, Draft& draft) {
    if (const auto services = rancher.below("services")) {
        for (const auto& [name, value] : services->value().members()) {
            if (!value.is_map()) draft.notes.wrong(value, services->at(name), "a service as in a Compose file");
            else draft.part({"services", "define"}, services->value()).set(name, service_of(value));
        }
    }
    if (const auto chosen = rancher.below("services_include")) {
        for (const auto& [name, value] : chosen->value().members()) {
            const auto wanted = truth(value);
            if (!wanted) draft.notes.wrong(value, chosen->at(name), "true or false");
            else draft.add({"services"}, *wanted ? "enable" : "disable", placed(Value::of(name), value), value);
        }
    }
    const auto disabled = rancher.texts("disable");
    for (const auto& name : disabled ? disabled->items() : std::vector<Value>())
        draft.add({"services"}, "disable", name, name);
}

void read_console(const Section& rancher, Draft& draft) {
    static constexpr std::array<std::string_view, 6> kConsoles{"default", "alpine", "centos",
                                                               "debian",  "fedora", "ubuntu"};
    if (const auto name = rancher.text("console"); name && *name != "default") {
        if (!std::ranges::contains(kConsoles, *name))
            rancher.bad("console",
                        "must be default, alpine, centos, debian, fedora or ubuntu: any image can be the "
                        "console, by console.image");
        else
            draft.part({"console"}, *rancher.find("console"))
                .set("image", placed(Value::of(*name), *rancher.find("console")));
    }
    // "tty1" as much as true.
    const auto* autologin = rancher.find("autologin");
    if (autologin == nullptr) return;
    draft.part({"console"}, *autologin)
        .set("autologin", placed(Value::of(truth(*autologin).value_or(true)), *autologin));
}

void read_ssh(const Section& rancher, Draft& draft) {
    const auto ssh = rancher.below("ssh");
    if (!ssh) return;
    ssh->expect(kSshKeys);
    auto& entry = draft.part({"ssh"}, ssh->value());
    ssh->flag_to("daemon", entry, "enabled");
    ssh->number_to("port", entry, "port");
    ssh->texts_to("listen_address", entry, "listen");
    const auto keys = ssh->below("keys");
    for (const auto& [name, value] : keys ? keys->value().members() : std::vector<Member>()) {
        const bool is_public = name.ends_with("-pub");
        const auto type = is_public ? name.substr(0, name.size() - 4) : name;
        if (!value.is_text()) {
            draft.notes.wrong(value, keys->at(name), "the key as text");
            continue;
        }
        draft.part({"ssh", "host_keys", type}, value)
            .set(is_public ? "public" : "private",
                 placed(Value::of(is_public ? std::string(trim(value.text())) : value.text()), value));
    }
}

void read_auths(const Section& rancher, Draft& draft) {
    const auto auths = rancher.below("registry_auths");
    if (!auths) return;
    for (const auto& [registry, value] : auths->value().members()) {
        const Section auth(value, auths->at(registry), draft.notes);
        if (!auth.expect(kAuthKeys)) continue;
        auto entry = placed(Value::map(), value);
        for (const auto* key : {"username", "password", "auth", "identitytoken"}) auth.text_to(key, entry, key);
        draft.part({"engine", "auths"}, auths->value()).set(registry, std::move(entry));
    }
}

// What holds where nothing else is said.
void read_defaults(const Section& rancher, Draft& draft) {
    const auto defaults = rancher.below("defaults");
    if (!defaults) return;
    defaults->expect(kDefaultKeys);
    if (!draft.document.has("hostname")) defaults->text_to("hostname", draft.document, "hostname");
    const auto network = defaults->below("network");
    if (network && !rancher.has("network")) translate_rancher_network(*network, draft);
}

}  // namespace

void translate_rancher(const Section& config, Draft& draft) {
    const auto rancher = config.below("rancher");
    if (!rancher) return;
    rancher->expect(kKeys);
    read_console(*rancher, draft);
    read_texts(*rancher, "environment", draft, "environment");
    read_texts(*rancher, "sysctl", draft, "sysctl");
    read_services(*rancher, draft);
    if (rancher->flag("debug").value_or(false))
        draft.part({"logs"}, *rancher->find("debug")).set("level", placed(Value::of("debug"), *rancher->find("debug")));
    read_ssh(*rancher, draft);
    read_auths(*rancher, draft);
    if (const auto docker = rancher->below("docker")) translate_rancher_engine(*docker, draft);
    if (const auto network = rancher->below("default_network"); network && !rancher->has("network"))
        translate_rancher_network(*network, draft);
    if (const auto network = rancher->below("network")) translate_rancher_network(*network, draft);
    read_defaults(*rancher, draft);
    if (const auto password = rancher->text("password"))
        set_password(draft, draft.default_user, *password, *rancher->find("password"), rancher->at("password"));
}

}  // namespace diatom::cloud
