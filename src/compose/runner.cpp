#include "compose/runner.h"

#include <algorithm>

#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::compose {
namespace {

bool is_chosen(const std::set<std::string>& services, const Container& container) {
    return services.empty() || services.contains(container.service);
}

std::string timeout_query(std::int64_t timeout) { return timeout < 0 ? "" : std::format("?t={}", timeout); }

}  // namespace

Result<void> Runner::refresh() {
    containers_ = TRY(list_containers(client_, project_.name));
    return {};
}

std::vector<Container> Runner::of_service(const std::string& service) const {
    std::vector<Container> found;
    std::ranges::copy_if(containers_, std::back_inserter(found),
                         [&](const Container& container) { return container.service == service; });
    return found;
}

std::vector<std::string> Runner::services_in_order() const {
    std::vector<std::string> ordered, left;
    for (const auto& [name, service] : project_.services().members()) left.push_back(name);
    const auto is_placed = [&](const Member& dependency) {
        return !std::ranges::contains(left, dependency.first);  // placed already, or not active
    };
    while (!left.empty()) {
        const auto ready = std::ranges::find_if(left, [&](const std::string& name) {
            return std::ranges::all_of(project_.services().at(name).at("depends_on").members(), is_placed);
        });
        if (ready == left.end()) break;  // a circle: check_consistency() has refused it
        ordered.push_back(*ready);
        left.erase(ready);
    }
    return ordered;
}

Result<void> Runner::up(const UpOptions& options) {
    TRY(prepare(options.pull));
    TRY(refresh());
    if (options.orphans == Orphans::remove) TRY(remove_orphans());
    for (const auto& container : containers_) {
        const bool is_orphan = options.orphans == Orphans::tell && !project_.all_services.contains(container.service);
        if (is_orphan) report_("Container", container.name, "belongs to no service: --remove-orphans removes it");
    }
    for (const auto& service : services_in_order()) {
        TRY(converge(service, options), "service {}", service);
        TRY(refresh());
    }
    if (!options.start) return {};
    for (const auto& service : services_in_order()) TRY(start_service(service), "service {}", service);
    if (!options.wait) return {};
    if (options.wait_timeout > 0) deadline_ = sys::monotonic_ns() + options.wait_timeout * 1'000'000'000;
    return await_all();
}

Result<void> Runner::up_dependencies(const std::string& service, const UpOptions& options) {
    TRY(prepare(options.pull));
    TRY(refresh());
    auto order = services_in_order();
    std::erase(order, service);
    for (const auto& other : order) {
        TRY(converge(other, options), "service {}", other);
        TRY(refresh());
    }
    for (const auto& other : order) TRY(start_service(other), "service {}", other);
    return await_dependencies(service);
}

Result<void> Runner::prepare_shared(Orphans orphans) {
    TRY(ensure_networks());
    TRY(ensure_volumes());
    TRY(refresh());
    return orphans == Orphans::remove ? remove_orphans() : Result<void>();
}

Result<void> Runner::up_alone(const std::string& service, const UpOptions& options) {
    TRY(ensure_image(service, options.pull));
    TRY(refresh());
    TRY(converge(service, options));
    TRY(refresh());
    return options.start ? start_service(service) : Result<void>();
}

Result<void> Runner::start_service(const std::string& service) {
    TRY(await_dependencies(service));
    for (const auto& container : of_service(service)) {
        if (container.state == "running") {
            report_("Container", container.name, "Running");
            continue;
        }
        TRY(client_.call("POST", "/containers/" + container.id + "/start"), "start {}", container.name);
        report_("Container", container.name, "Started");
    }
    return {};
}

Result<void> Runner::remove_orphans() {
    for (const auto& container : TRY(list_containers(client_, project_.name, OneOffs::with))) {
        const bool is_orphan =
            container.one_off ? !container.is_running() : !project_.all_services.contains(container.service);
        if (!is_orphan) continue;
        TRY(stop_container(container, -1));
        TRY(remove_container(container, false));
    }
    return refresh();
}

Result<void> Runner::stop_container(const Container& container, std::int64_t timeout) {
    if (!container.is_running()) return {};
    TRY(client_.call("POST", "/containers/" + container.id + "/stop" + timeout_query(timeout)), "stop {}",
        container.name);
    report_("Container", container.name, "Stopped");
    return {};
}

Result<void> Runner::remove_container(const Container& container, bool volumes) {
    TRY(client_.call("DELETE", std::format("/containers/{}?force=1{}", container.id, volumes ? "&v=1" : "")),
        "remove {}", container.name);
    report_("Container", container.name, "Removed");
    return {};
}

Result<void> Runner::down(const DownOptions& options) {
    const auto one_offs = options.orphans == Orphans::remove ? OneOffs::with : OneOffs::without;
    containers_ = TRY(list_containers(client_, project_.name, one_offs));
    auto order = services_in_order();
    std::ranges::reverse(order);
    for (const auto& container : containers_) {
        const bool is_known = project_.all_services.contains(container.service);
        const bool is_listed = std::ranges::contains(order, container.service);
        if (!is_listed && (is_known || options.orphans == Orphans::remove)) order.push_back(container.service);
        if (!is_known && options.orphans == Orphans::tell) {
            report_("Container", container.name, "belongs to no service: --remove-orphans removes it");
        }
    }
    for (const auto& service : order) {
        for (const auto& container : of_service(service)) {
            if (!is_chosen(options.services, container)) continue;
            TRY(stop_container(container, options.timeout));
            TRY(remove_container(container, true));
        }
    }
    if (!options.services.empty()) return {};  // others may need the rest
    TRY(remove_networks());
    if (options.volumes) TRY(remove_volumes());
    return remove_images(options.images);
}

Result<void> Runner::remove_networks() {
    const auto label = std::format("{}={}", label::kProject, project_.name);
    for (const auto& network : TRY(client_.get("/networks?" + filters({{"label", label}})))) {
        const auto name = json_string(network, "Name").value_or("");
        TRY(client_.call("DELETE", "/networks/" + percent_encode(json_string(network, "Id").value_or(name))),
            "remove the network {}", name);
        report_("Network", name, "Removed");
    }
    return {};
}

Result<void> Runner::remove_volumes() {
    for (const auto& [key, volume] : project_.document.at("volumes").members()) {
        if (volume.boolean_of("external")) continue;
        const auto name = volume.text_of("name");
        auto removed = client_.call("DELETE", "/volumes/" + percent_encode(name));
        if (!removed && removed.error().kind() == Kind::not_found) continue;
        TRY(std::move(removed), "remove the volume {}", name);
        report_("Volume", name, "Removed");
    }
    return {};
}

Result<void> Runner::remove_images(RemoveImages which) {
    if (which == RemoveImages::none) return {};
    std::set<std::string> images;
    for (const auto& [name, service] : project_.services().members()) {
        if (which == RemoveImages::all || !service.has("image")) images.insert(image_of(project_, name));
    }
    for (const auto& image : images) {
        auto removed = client_.call("DELETE", "/images/" + percent_encode(image));
        if (!removed && removed.error().kind() == Kind::not_found) continue;
        // Another's container may need it.
        report_("Image", image, removed ? "Removed" : "stays: " + removed.error().what());
    }
    return {};
}

Result<void> Runner::start(const std::set<std::string>& services) {
    TRY(refresh());
    for (const auto& service : services_in_order()) {
        if (services.empty() || services.contains(service)) TRY(start_service(service), "service {}", service);
    }
    return {};
}

Result<void> Runner::stop(const std::set<std::string>& services, std::int64_t timeout) {
    TRY(refresh());
    auto order = services_in_order();
    std::ranges::reverse(order);
    for (const auto& service : order) {
        for (const auto& container : of_service(service)) {
            if (is_chosen(services, container)) TRY(stop_container(container, timeout));
        }
    }
    return {};
}

Result<void> Runner::restart(const std::set<std::string>& services, std::int64_t timeout) {
    TRY(refresh());
    for (const auto& service : services_in_order()) {
        for (const auto& container : of_service(service)) {
            if (!is_chosen(services, container)) continue;
            TRY(client_.call("POST", "/containers/" + container.id + "/restart" + timeout_query(timeout)), "restart {}",
                container.name);
            report_("Container", container.name, "Restarted");
        }
    }
    return {};
}

Result<void> Runner::remove_stopped(const std::set<std::string>& services, bool stop_first, bool volumes) {
    containers_ = TRY(list_containers(client_, project_.name, OneOffs::with));
    for (const auto& container : containers_) {
        if (!is_chosen(services, container)) continue;
        if (stop_first) TRY(stop_container(container, -1));
        if (stop_first || !container.is_running()) TRY(remove_container(container, volumes));
    }
    return {};
}

}  // namespace diatom::compose
