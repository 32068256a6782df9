#include "configure/replacements.h"

#include <algorithm>
#include <format>

#include "configure/chosen_passwords.h"

namespace diatom::configure {
namespace {

// As much of the machine as the machine's own has.
Value on_the_machine(std::string_view image, const std::vector<std::string>& volumes) {
    auto service = Value::map();
    service.set("image", image);
    service.set("privileged", Value::of(true));
    for (const auto* space : {"network_mode", "pid", "ipc", "uts", "cgroup"}) service.set(space, "host");
    service.set("restart", "always");
    service.set("volumes", Value::of(volumes));
    return service;
}

// One directory for each engine, so that going back finds what was there.
std::string directory_of(std::string_view image) {
    std::string name;
    for (const char c : image)
        name += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ? c : '_';
    return "/var/lib/diatom/engines/" + name;
}

}  // namespace

// Our program is the first in it: it opens the terminals, and the image's shell runs on them. Accounts are the
// machine's.
std::optional<Value> image_console(const Value& machine) {
    const auto& console = machine.at("console");
    if (!console.has("image")) return std::nullopt;
    std::vector<std::string> volumes{"/usr/bin/diatom:/usr/bin/diatom:ro",
                                     "/dev:/dev",
                                     "/run:/run",
                                     "/etc/passwd:/etc/passwd:ro",
                                     "/etc/group:/etc/group:ro",
                                     "/etc/shadow:/etc/shadow:ro",
                                     "/etc/hosts:/etc/hosts:ro",
                                     "/home:/home",
                                     "/opt:/opt",
                                     "/mnt:/mnt",
                                     "/srv:/srv",
                                     "/var/lib/diatom:/var/lib/diatom"};
    volumes.push_back(std::format("/usr/bin/diatom:{}:ro", kChooserShell));
    const auto may_more = [](const Member& user) { return !user.second.texts_of("sudo").empty(); };
    if (std::ranges::any_of(machine.at("users").members(), may_more))
        volumes.push_back(std::format("{}:/etc/sudoers.d/diatom:ro", kSudoers));
    auto service = on_the_machine(console.text_of("image"), volumes);
    service.set("entrypoint", Value::of(std::vector<std::string>{"/usr/bin/diatom", "console"}));
    auto labels = Value::map();
    labels.set(config::kConsoleLabel, "true");
    if (!console.boolean_of("persistent", true)) labels.set("io.docker.compose.rebuild", "always");
    service.set("labels", std::move(labels));
    return service;
}

std::optional<Value> image_engine(const Value& engine) {
    if (!engine.has("image") || !engine.boolean_of("enabled", true)) return std::nullopt;
    const auto image = engine.text_of("image");
    auto service = on_the_machine(image, {std::format("{}:/var/lib/docker", directory_of(image)), "/run:/run",
                                          "/dev:/dev", "/etc/hosts:/etc/hosts:ro"});
    const auto& command = engine.at("command");
    if (command.is_list()) service.set("command", command);
    else if (command.is_text())
        service.set("command", Value::of(std::vector<std::string>{"/bin/sh", "-c", command.text()}));
    return service;
}

}  // namespace diatom::configure
