// What containers need before they are made: images, networks, volumes.
#include <algorithm>

#include "base/strings.h"
#include "compose/pull_image.h"
#include "compose/runner.h"

namespace diatom::compose {

Result<void> Runner::prepare(Pull pull) {
    for (const auto& [name, service] : project_.services().members()) {
        TRY(ensure_image(name, pull), "service {}", name);
    }
    TRY(ensure_networks());
    return ensure_volumes();
}

Result<void> Runner::ensure_networks() {
    std::set<std::string> used;
    for (const auto& [name, service] : project_.services().members()) {
        for (const auto& [key, attachment] : service.at("networks").members()) used.insert(key);
    }
    for (const auto& key : used) {
        const auto& network = project_.document.at("networks").at(key);
        const auto name = network.text_of("name");
        const auto found = client_.get("/networks/" + percent_encode(name));
        if (found) continue;
        if (found.error().kind() != Kind::not_found) return Failure(found.error());
        if (network.boolean_of("external")) {
            return fail(Kind::not_found, "the external network {} is not there: make it before", name);
        }
        TRY(client_.call("POST", "/networks/create", network_body(project_, key)), "create the network {}", name);
        report_("Network", name, "Created");
    }
    return {};
}

Result<void> Runner::ensure_volumes() {
    std::set<std::string> used;
    for (const auto& [name, service] : project_.services().members()) {
        for (const auto& volume : service.at("volumes").items()) {
            if (volume.text_of("type") == "volume") used.insert(volume.text_of("source"));
        }
    }
    used.erase("");
    for (const auto& key : used) {
        const auto& volume = project_.document.at("volumes").at(key);
        const auto name = volume.text_of("name");
        const auto found = client_.get("/volumes/" + percent_encode(name));
        if (found) continue;
        if (found.error().kind() != Kind::not_found) return Failure(found.error());
        if (volume.boolean_of("external")) {
            return fail(Kind::not_found, "the external volume {} is not there: make it before", name);
        }
        TRY(client_.call("POST", "/volumes/create", volume_body(project_, key)), "create the volume {}", name);
        report_("Volume", name, "Created");
    }
    return {};
}

Result<void> Runner::ensure_image(const std::string& service, Pull pull) {
    const auto& config = project_.services().at(service);
    const auto image = image_of(project_, service);
    const auto policy = config.text_of("pull_policy");
    const bool is_built = config.has("build");
    if ((pull == Pull::always || (policy == "always" && pull != Pull::never)) && !is_built) TRY(pull_image(image));
    auto found = client_.get("/images/" + percent_encode(image) + "/json");
    if (!found && found.error().kind() == Kind::not_found) {
        if (is_built) {
            return fail(Kind::unsupported,
                        "the image {} has to be built, which compose does not do: build it elsewhere, "
                        "push or load it, and name it as `image`",
                        image);
        }
        if (pull == Pull::never) return fail(Kind::not_found, "the image {} is not there, and --pull is never", image);
        if (policy == "never")
            return fail(Kind::not_found, "the image {} is not there, and pull_policy is never", image);
        TRY(pull_image(image));
        found = client_.get("/images/" + percent_encode(image) + "/json");
    }
    const auto json = TRY(std::move(found), "find the image {}", image);
    image_ids_[service] = TRY(json_string(json, "Id"));
    return {};
}

Result<void> Runner::pull_image(const std::string& image) {
    report_("Image", image, "Pulling");
    TRY(compose::pull_image(client_, image), "pull {}", image);
    report_("Image", image, "Pulled");
    return {};
}

Result<void> Runner::pull(Failures failures) {
    std::set<std::string> done;
    for (const auto& [name, service] : project_.services().members()) {
        if (service.has("build") && !service.has("image")) continue;
        const auto image = image_of(project_, name);
        if (!done.insert(image).second) continue;
        auto pulled = pull_image(image);
        if (!pulled && failures == Failures::stop) return pulled;
        if (!pulled) report_("Image", image, pulled.error().what());
    }
    return {};
}

}  // namespace diatom::compose
