// Making containers, and making them anew where they differ from what the files say.
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "compose/runner.h"
#include "compose/tar.h"
#include "sys/clock.h"

namespace diatom::compose {
namespace {

constexpr useconds_t kPollUs = 200'000;
constexpr std::string_view kCompleted = "service_completed_successfully";

// Anonymous volumes outlive the container that is made anew.
void inherit_volumes(const Json& old, Value& body) {
    auto& host = *body.find("HostConfig");
    for (const auto& mount : json_member(old, "Mounts")) {
        const auto name = json_string(mount, "Name").value_or("");
        const auto target = json_string(mount, "Destination").value_or("");
        if (json_string(mount, "Type").value_or("") != "volume" || name.empty()) continue;
        if (!host.has("Mounts")) host.set("Mounts", Value::list());
        auto& mounts = host.find("Mounts")->items();
        const auto same = std::ranges::find_if(mounts, [&](const Value& m) { return m.text_of("Target") == target; });
        if (same != mounts.end()) {
            if (same->text_of("Type") == "volume" && !same->has("Source")) same->set("Source", name);
            continue;
        }
        const auto binds = host.texts_of("Binds");
        const bool is_bound = std::ranges::any_of(binds, [&](const std::string& bind) {
            const auto parts = split(bind, ':');
            return parts.size() > 1 && parts[1] == target;
        });
        if (is_bound) continue;
        auto kept = Value::map();
        kept.set("Type", "volume");
        kept.set("Source", name);
        kept.set("Target", target);
        mounts.push_back(std::move(kept));
    }
}

std::string_view variable_name(const Value& text) { return split(text.text(), '=').front(); }

void replace_variables(Value& list, const Value& more) {
    for (const auto& one : more.items()) {
        std::erase_if(list.items(), [&](const Value& old) { return variable_name(old) == variable_name(one); });
        list.add(one);
    }
}

// Variables take the place of those of the same name; what else is a list or a map is added to.
void put_onto(Value& body, const Value& changed) {
    for (const auto& [key, value] : changed.members()) {
        auto* old = body.find(key);
        if (old == nullptr || key == "Cmd" || key == "Entrypoint") body.set(key, value);
        else if (key == "Env") replace_variables(*old, value);
        else if (old->is_list() && value.is_list())
            for (const auto& item : value.items()) old->add(item);
        else if (old->is_map() && value.is_map())
            for (const auto& [name, member] : value.members()) old->set(name, member);
        else body.set(key, value);
    }
}

}  // namespace

int Runner::scale_of(const std::string& service, const UpOptions& options) const {
    if (const auto it = options.scale.find(service); it != options.scale.end()) return it->second;
    const auto& config = project_.services().at(service);
    return static_cast<int>(config.integer_of("scale", config.at("deploy").integer_of("replicas", 1)));
}

// docker compose hashes a service after it has put the containers of other services into it.
Result<std::string> Runner::hash_of(const std::string& service) const {
    auto resolved = project_.services().at(service);
    for (const auto* key : {"network_mode", "ipc", "pid"}) {
        const auto mode = resolved.text_of(key);
        const auto others = mode.starts_with("service:") ? of_service(mode.substr(8)) : std::vector<Container>();
        if (!others.empty()) resolved.set(key, "container:" + others.front().id);
    }
    if (auto* from = resolved.find("volumes_from")) {
        for (auto& item : from->items()) {
            const auto parts = split(item.text(), ':');
            const auto others = of_service(std::string(parts[0]));
            if (parts[0] == "container" && parts.size() > 1) item = Value::of(std::string(parts[1]));
            else if (!others.empty()) item = Value::of(others.front().id);
        }
    }
    return config_hash(resolved);
}

Result<ContainerPlan> Runner::plan(const std::string& service, int number) {
    const auto& config = project_.services().at(service);
    ContainerPlan made{.service = service,
                       .name = container_name(project_, service, number),
                       .image_id = image_ids_.at(service),
                       .number = number};
    for (const auto& link : config.texts_of("links")) {
        const auto halves = cut(link, ':');
        const std::string name(halves ? halves->first : std::string_view(link));
        for (const auto& container : of_service(name)) {
            made.links.push_back(std::format("{}:{}", container.name, halves ? halves->second : name));
            made.links.push_back(std::format("{}:{}-{}", container.name, name, container.number));
            made.links.push_back(std::format("{}:{}", container.name, container.name));
        }
    }
    for (const auto& link : config.texts_of("external_links"))
        made.links.push_back(link.contains(':') ? link : link + ":" + link);
    if (const auto mode = config.text_of("network_mode"); mode.starts_with("service:")) {
        const auto others = of_service(mode.substr(8));
        if (others.empty()) return fail(Kind::not_found, "network_mode {}: it has no container", mode);
        made.shared_network = "container:" + others.front().id;
    }
    for (const auto& from : config.texts_of("volumes_from")) {
        if (from.starts_with("container:")) {
            made.volumes_from.push_back(from.substr(10));
            continue;
        }
        const auto halves = cut(from, ':');
        const auto others = of_service(std::string(halves ? halves->first : std::string_view(from)));
        if (others.empty()) return fail(Kind::not_found, "volumes_from {}: it has no container", from);
        made.volumes_from.push_back(halves ? std::format("{}:{}", others.front().id, halves->second)
                                           : others.front().id);
    }
    made.hash = TRY(hash_of(service));
    return made;
}

Result<std::string> Runner::create(const ContainerPlan& plan, Value body) {
    // Namespaces of another service are those of its container.
    for (const auto* key : {"IpcMode", "PidMode"}) {
        const auto mode = body.at("HostConfig").text_of(key);
        if (!mode.starts_with("service:")) continue;
        const auto others = of_service(mode.substr(8));
        if (others.empty()) return fail(Kind::not_found, "{} {}: it has no container", key, mode);
        body.find("HostConfig")->set(key, "container:" + others.front().id);
    }
    const auto answer =
        TRY(client_.call("POST", "/containers/create?name=" + percent_encode(plan.name), body), "create {}", plan.name);
    auto id = TRY(json_string(answer, "Id"));
    const auto networks = networks_in_order(project_.services().at(plan.service));
    for (std::size_t i = 1; i < networks.size(); ++i) {
        const auto name = network_name(project_, networks[i]);
        TRY(client_.call("POST", "/networks/" + percent_encode(name) + "/connect",
                         connect_body(project_, plan, networks[i], id)),
            "connect {} to {}", plan.name, name);
    }
    TRY(add_contents(plan.service, id));
    return id;
}

// Secrets and configs that are no files are written into the container before it starts.
Result<void> Runner::add_contents(const std::string& service, const std::string& id) {
    for (const auto* section : {"secrets", "configs"}) {
        const std::string directory = section == std::string_view("secrets") ? "/run/secrets/" : "/";
        for (const auto& item : project_.services().at(service).at(section).items()) {
            const auto& object = project_.document.at(section).at(item.text_of("source"));
            auto contents = object.text_of("content");
            if (object.has("environment")) {
                const auto it = project_.environment.find(object.text_of("environment"));
                if (it == project_.environment.end()) {
                    return fail(Kind::invalid,
                                "{}.{}: the variable {} is not set: set it in the environment or in .env", section,
                                item.text_of("source"), object.text_of("environment"));
                }
                contents = it->second;
            } else if (!object.has("content")) {
                continue;
            }
            auto target = item.text_of("target", directory + item.text_of("source"));
            if (!target.starts_with('/')) target = directory + target;
            const TarEntry entry{.name = target.substr(1),
                                 .mode = static_cast<unsigned>(item.integer_of("mode", 0444)),
                                 .uid = static_cast<unsigned>(parse_uint(item.text_of("uid")).value_or(0)),
                                 .gid = static_cast<unsigned>(parse_uint(item.text_of("gid")).value_or(0))};
            const auto archive = TRY(make_tar(entry, contents), "{}.{}", section, item.text_of("source"));
            TRY(client_.put("/containers/" + id + "/archive?path=/", "application/x-tar", archive), "write {}", target);
        }
    }
    return {};
}

Result<void> Runner::recreate(const Container& old, AnonymousVolumes volumes) {
    const auto made = TRY(plan(old.service, old.number));
    auto body = TRY(container_body(project_, made));
    const bool renewed = volumes == AnonymousVolumes::renew;
    if (!renewed) inherit_volumes(TRY(client_.get("/containers/" + old.id + "/json")), body);
    TRY(stop_container(old, -1));
    TRY(client_.call("DELETE", std::format("/containers/{}?force=1{}", old.id, renewed ? "&v=1" : "")), "remove {}",
        old.name);
    TRY(create(made, std::move(body)));
    report_("Container", made.name, "Recreated");
    return {};
}

Result<void> Runner::converge(const std::string& service, const UpOptions& options) {
    auto existing = of_service(service);
    const int scale = scale_of(service, options);
    while (std::cmp_greater(existing.size(), scale)) {
        TRY(stop_container(existing.back(), -1));
        TRY(remove_container(existing.back(), false));
        existing.pop_back();
    }
    const auto hash = TRY(hash_of(service));
    int last = 0;
    for (const auto& container : existing) {
        last = std::max(last, container.number);
        const bool differs = container.hash != hash || container.image_id != image_ids_.at(service);
        const bool again = options.recreate == Recreate::always || (options.recreate == Recreate::diverged && differs);
        if (again) TRY(recreate(container, options.volumes));
    }
    for (auto count = static_cast<int>(existing.size()); count < scale; ++count) {
        const auto made = TRY(plan(service, ++last));
        TRY(create(made, TRY(container_body(project_, made))));
        report_("Container", made.name, "Created");
    }
    return {};
}

Result<std::string> Runner::create_one_off(const OneOff& wanted) {
    TRY(refresh());
    auto made = TRY(plan(wanted.service, 1));
    made.name = wanted.name;
    made.one_off = true;
    made.aliased = wanted.aliases;
    auto body = TRY(container_body(project_, made));
    auto& host = *body.find("HostConfig");
    // It ends when it ends, and its ports are the service's.
    host.erase("RestartPolicy");
    if (!wanted.ports) host.erase("PortBindings");
    put_onto(host, wanted.host);
    put_onto(body, wanted.changed);
    return create(made, std::move(body));
}

Result<void> Runner::await_dependencies(const std::string& service) {
    for (const auto& [name, dependency] : project_.services().at(service).at("depends_on").members()) {
        const auto condition = dependency.text_of("condition");
        if (condition == "service_started" || !project_.services().has(name)) continue;
        for (const auto& container : of_service(name)) {
            auto done = await(container, condition);
            if (!done && dependency.boolean_of("required", true)) return done;
            report_("Container", container.name, done ? condition.substr(8) : done.error().what());
        }
    }
    return {};
}

Result<void> Runner::await(const Container& container, std::string_view condition) {
    for (;;) {
        const auto health = TRY(inspect_health(client_, container.id), "wait for {}", container.name);
        const bool ended = !health.running && !health.restarting;
        if (condition == kCompleted) {
            if (ended && health.exit_code == 0) return {};
            if (ended) return fail(Kind::io, "{} ended with exit code {}", container.name, health.exit_code);
        } else {
            if (health.healthy || (condition == "service_started" && health.running && !health.has_check)) return {};
            if (health.unhealthy) return fail(Kind::io, "{} is unhealthy", container.name);
            if (ended) return fail(Kind::io, "{} has ended with exit code {}", container.name, health.exit_code);
            if (!health.has_check) return fail(Kind::invalid, "{} has no healthcheck: give it one", container.name);
        }
        if (deadline_ != 0 && sys::monotonic_ns() > deadline_)
            return fail(Kind::timed_out, "{} is not ready within --wait-timeout", container.name);
        ::usleep(kPollUs);
    }
}

// One that another service wants to have ended would never be running.
std::string_view Runner::lasting_condition(const std::string& service) const {
    const auto wants_its_end = [&](const Member& other) {
        return other.second.at("depends_on").at(service).text_of("condition") == kCompleted;
    };
    return std::ranges::any_of(project_.services().members(), wants_its_end) ? kCompleted : "service_started";
}

Result<void> Runner::await_all() {
    TRY(refresh());
    for (const auto& service : services_in_order()) {
        const auto condition = lasting_condition(service);
        for (const auto& container : of_service(service)) {
            TRY(await(container, condition));
            report_("Container", container.name, condition == kCompleted ? "Ended" : "Healthy");
        }
    }
    return {};
}

}  // namespace diatom::compose
