#include "compose/container_spec.h"

#include <algorithm>

#include "base/strings.h"
#include "compose/host_spec.h"
#include "sys/clock.h"

namespace diatom::compose {
namespace {

struct Renamed {
    const char* key;
    const char* name;
};

// Copies what the API calls otherwise.
void copy(const Value& from, std::string_view key, Value& to, std::string_view name) {
    if (const auto* found = from.find(key)) to.set(name, *found);
}

std::string depends_on_label(const Value& service) {
    std::vector<std::string> parts;
    for (const auto& [name, dependency] : service.at("depends_on").members()) {
        parts.push_back(std::format("{}:{}:{}", name, dependency.text_of("condition"),
                                    dependency.boolean_of("restart") ? "true" : "false"));
    }
    return join(parts, ",");
}

Value make_labels(const Project& project, const ContainerPlan& plan, const Value& service) {
    auto labels = Value::map();
    for (const auto& [key, value] : service.at("labels").members()) labels.set(key, value);
    labels.set(label::kProject, project.name);
    labels.set(label::kService, plan.service);
    labels.set(label::kVersion, kComposeVersion);
    labels.set(label::kNumber, std::to_string(plan.number));
    labels.set(label::kOneOff, plan.one_off ? "True" : "False");
    labels.set(label::kHash, plan.hash);
    labels.set(label::kDependsOn, depends_on_label(service));
    labels.set(label::kImage, plan.image_id);
    labels.set(label::kConfigFiles, join(project.files, ","));
    labels.set(label::kWorkingDir, project.directory);
    if (plan.one_off) labels.erase(label::kHash);
    return labels;
}

void set_ports(const Value& service, Value& body) {
    auto exposed = Value::map();
    for (const auto& port : service.texts_of("expose")) exposed.set(port, Value::map());
    for (const auto& port : service.at("ports").items()) {
        exposed.set(std::format("{}/{}", port.integer_of("target"), port.text_of("protocol", "tcp")), Value::map());
    }
    if (!exposed.members().empty()) body.set("ExposedPorts", std::move(exposed));
}

std::int64_t nanoseconds(const Value& value) { return sys::parse_duration(value.scalar_text()).value_or(0); }

void set_health(const Value& service, Value& body) {
    const auto& health = service.at("healthcheck");
    if (!health.is_map()) return;
    auto made = Value::map();
    if (health.boolean_of("disable")) made.set("Test", Value::of(std::vector<std::string>{"NONE"}));
    else copy(health, "test", made, "Test");
    copy(health, "retries", made, "Retries");
    for (const auto& [key, name] :
         {Renamed{"interval", "Interval"}, Renamed{"timeout", "Timeout"}, Renamed{"start_period", "StartPeriod"},
          Renamed{"start_interval", "StartInterval"}}) {
        if (health.has(key)) made.set(name, Value::of(nanoseconds(health.at(key))));
    }
    body.set("Healthcheck", std::move(made));
}

Value endpoint(const ContainerPlan& plan, const Value& attachment) {
    auto made = Value::map();
    auto aliases = Value::list();
    if (!plan.one_off || plan.aliased) {
        aliases.add(Value::of(plan.name));
        aliases.add(Value::of(plan.service));
    }
    for (const auto& alias : attachment.at("aliases").items()) aliases.add(alias);
    made.set("Aliases", std::move(aliases));
    auto addresses = Value::map();
    copy(attachment, "ipv4_address", addresses, "IPv4Address");
    copy(attachment, "ipv6_address", addresses, "IPv6Address");
    copy(attachment, "link_local_ips", addresses, "LinkLocalIPs");
    if (!addresses.members().empty()) made.set("IPAMConfig", std::move(addresses));
    copy(attachment, "driver_opts", made, "DriverOpts");
    copy(attachment, "mac_address", made, "MacAddress");
    if (!plan.links.empty()) made.set("Links", Value::of(plan.links));
    return made;
}

Value environment_list(const Value& service) {
    auto list = Value::list();
    for (const auto& [name, value] : service.at("environment").members()) {
        list.add(Value::of(value.is_null() ? name : name + "=" + value.text()));
    }
    return list;
}

}  // namespace

std::string image_of(const Project& project, const std::string& service) {
    return project.services().at(service).text_of("image", std::format("{}-{}", project.name, service));
}

std::string container_name(const Project& project, const std::string& service, int number) {
    const auto given = project.services().at(service).text_of("container_name");
    return given.empty() ? std::format("{}-{}-{}", project.name, service, number) : given;
}

std::vector<std::string> networks_in_order(const Value& service) {
    std::vector<std::pair<std::int64_t, std::string>> networks;
    for (const auto& [key, attachment] : service.at("networks").members()) {
        networks.emplace_back(-attachment.integer_of("priority"), key);
    }
    std::ranges::sort(networks);
    std::vector<std::string> names;
    for (auto& [priority, key] : networks) names.push_back(std::move(key));
    return names;
}

std::string network_name(const Project& project, const std::string& key) {
    return project.document.at("networks").at(key).text_of("name", key);
}

Result<Value> container_body(const Project& project, const ContainerPlan& plan) {
    const auto& service = project.services().at(plan.service);
    auto body = Value::map();
    body.set("Image", image_of(project, plan.service));
    body.set("AttachStdout", Value::of(true));
    body.set("AttachStderr", Value::of(true));
    for (const auto& [key, name] :
         {Renamed{"hostname", "Hostname"}, Renamed{"domainname", "Domainname"}, Renamed{"user", "User"},
          Renamed{"tty", "Tty"}, Renamed{"stdin_open", "OpenStdin"}, Renamed{"working_dir", "WorkingDir"},
          Renamed{"stop_signal", "StopSignal"}, Renamed{"mac_address", "MacAddress"}}) {
        copy(service, key, body, name);
    }
    if (!service.at("command").is_null()) body.set("Cmd", service.at("command"));
    if (!service.at("entrypoint").is_null()) body.set("Entrypoint", service.at("entrypoint"));
    if (service.has("environment")) body.set("Env", environment_list(service));
    if (service.has("stop_grace_period")) {
        body.set("StopTimeout", Value::of(nanoseconds(service.at("stop_grace_period")) / 1'000'000'000));
    }
    body.set("Labels", make_labels(project, plan, service));
    set_ports(service, body);
    set_health(service, body);
    body.set("HostConfig", TRY(host_config(project, plan)));
    const auto networks = networks_in_order(service);
    if (networks.empty()) return body;
    auto endpoints = Value::map();
    endpoints.set(network_name(project, networks[0]), endpoint(plan, service.at("networks").at(networks[0])));
    body.set("NetworkingConfig", Value::map()).set("EndpointsConfig", std::move(endpoints));
    return body;
}

Value connect_body(const Project& project, const ContainerPlan& plan, const std::string& network,
                   const std::string& container) {
    auto body = Value::map();
    body.set("Container", container);
    body.set("EndpointConfig", endpoint(plan, project.services().at(plan.service).at("networks").at(network)));
    return body;
}

Value network_body(const Project& project, const std::string& key) {
    const auto& network = project.document.at("networks").at(key);
    auto body = Value::map();
    body.set("Name", network.text_of("name"));
    body.set("CheckDuplicate", Value::of(true));
    copy(network, "driver", body, "Driver");
    copy(network, "driver_opts", body, "Options");
    copy(network, "internal", body, "Internal");
    copy(network, "attachable", body, "Attachable");
    copy(network, "enable_ipv6", body, "EnableIPv6");
    const auto& ipam = network.at("ipam");
    if (ipam.has("config") || ipam.has("driver")) {
        auto made = Value::map();
        copy(ipam, "driver", made, "Driver");
        auto pools = Value::list();
        for (const auto& pool : ipam.at("config").items()) {
            auto one = Value::map();
            copy(pool, "subnet", one, "Subnet");
            copy(pool, "ip_range", one, "IPRange");
            copy(pool, "gateway", one, "Gateway");
            copy(pool, "aux_addresses", one, "AuxiliaryAddresses");
            pools.add(std::move(one));
        }
        made.set("Config", std::move(pools));
        body.set("IPAM", std::move(made));
    }
    auto labels = network.at("labels");
    labels.set(label::kNetwork, key);
    labels.set(label::kProject, project.name);
    labels.set(label::kVersion, kComposeVersion);
    body.set("Labels", std::move(labels));
    return body;
}

Value volume_body(const Project& project, const std::string& key) {
    const auto& volume = project.document.at("volumes").at(key);
    auto body = Value::map();
    body.set("Name", volume.text_of("name"));
    copy(volume, "driver", body, "Driver");
    copy(volume, "driver_opts", body, "DriverOpts");
    auto labels = volume.at("labels");
    labels.set(label::kVolume, key);
    labels.set(label::kProject, project.name);
    labels.set(label::kVersion, kComposeVersion);
    body.set("Labels", std::move(labels));
    return body;
}

}  // namespace diatom::compose
