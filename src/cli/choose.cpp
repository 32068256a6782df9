#include "cli/choose.h"

#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/own_configuration.h"
#include "cli/service_parts.h"
#include "cli/table.h"
#include "configure/gather.h"
#include "machine/path.h"
#include "service/starter.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using machine::Path;
using service::Scope;

constexpr std::array<OptionSpec, 9> kOptions{{
    {"--force", 'f', false, "switch, rm: without asking, as always"},
    {"--no-pull", 0, false, "switch: only with an image that is here"},
    {"--update", 'u', false, "list: as always"},
    {"--timeout", 't', true, "engine rm: seconds until it is killed"},
    {"--version", 'v', true, "engine create: its image"},
    {"--network", 0, true, "engine create: its network, made before"},
    {"--fixed-ip", 0, true, "engine create: its address there"},
    {"--ssh-port", 0, true, "engine create: refused"},
    {"--authorized-keys", 0, true, "engine create: refused"},
}};

// What can be chosen: a key of the configuration that names the image.
struct Choice {
    const char *name, *key, *own, *image_service;
    Handover handover;
};
constexpr Choice kConsole{"console", "console.image", "console", config::kImageConsole, Handover::start_first};
constexpr Choice kEngine{"engine", "engine.image", "user-engine", config::kImageEngine, Handover::stop_first};

std::string chosen_image(const Choice& kind) {
    const auto machine = configure::gather().layers.merged();
    const auto* value = Path::parse(kind.key).value().find(machine);
    return value == nullptr ? "" : value->scalar_text();
}

bool is_default(std::string_view image) { return image == "default" || image == "diatom"; }

Result<void> enable(const Choice& kind, const std::string& image) {
    const auto path = TRY(Path::parse(kind.key));
    return change_configuration(std::format("{} enable {}", kind.name, image), [&](Value& document) -> Result<void> {
        if (!is_default(image)) return path.set(document, Value::of(image));
        path.erase(document);
        return {};
    });
}

Result<int> list(const Choice& kind) {
    const auto image = chosen_image(kind);
    const auto containers = service_containers();
    const auto state_of = [&](const std::string& service) -> std::string {
        for (const auto& one : containers) {
            if (one.container.service == service) return one.container.status;
        }
        return "";
    };
    std::vector<std::array<std::string, 3>> rows{{"NAME", "ENABLED", "STATE"}};
    rows.push_back({"default", image.empty() ? "yes" : "no", state_of(kind.own)});
    if (!image.empty()) rows.push_back({image, "yes", state_of(kind.image_service)});
    print_rows(rows);
    return 0;
}

Result<int> switch_to(const Choice& kind, const std::string& image, const Arguments& arguments) {
    if (!is_default(image) && arguments.has("--no-pull")) {
        const auto found = engine_of(Scope::system).get("/images/" + compose::percent_encode(image) + "/json");
        if (!found) return fail(Kind::not_found, "{} is not here, and --no-pull was said", image);
    }
    TRY(enable(kind, image));
    if (is_default(image)) TRY(give_the_place_back(kind.own, kind.image_service, kind.handover));
    else TRY(take_the_place(kind.own, kind.image_service, kind.handover));
    return 0;
}

Result<int> create_engine(const std::string& name, const Arguments& arguments) {
    if (!arguments.has("--version"))
        return fail(Kind::invalid, "engine create: --version names its image, such as one with dockerd");
    for (const auto* option : {"--ssh-port", "--authorized-keys"}) {
        if (arguments.has(option))
            return fail(Kind::unsupported, "{}: an engine is reached by its API; put an SSH server into its image",
                        option);
    }
    if (arguments.has("--fixed-ip") && !arguments.has("--network"))
        return fail(Kind::invalid, "--fixed-ip: --network names the network that the address is of");
    auto definition = Value::map(), labels = Value::map();
    definition.set("image", arguments.value("--version"));
    definition.set("privileged", Value::of(true));
    definition.set("restart", "always");
    definition.set(
        "volumes",
        Value::of(std::vector<std::string>{std::format("/var/lib/diatom/engines/{}:/var/lib/docker", name)}));
    labels.set("io.rancher.os.scope", "user");
    definition.set("labels", std::move(labels));
    if (arguments.has("--fixed-ip")) {
        auto address = Value::map(), networks = Value::map();
        address.set("ipv4_address", arguments.value("--fixed-ip"));
        networks.set(arguments.value("--network"), std::move(address));
        definition.set("networks", std::move(networks));
    } else if (arguments.has("--network")) {
        definition.set("network_mode", arguments.value("--network"));
    }
    const auto path = Path() / "services" / "define" / name;
    TRY(change_configuration("engine create " + name, [&](Value& document) { return path.set(document, definition); }));
    std::puts(std::format("{0} is defined: `diatom service up {0}` starts it now", name).c_str());
    return 0;
}

Result<int> remove_engine(const std::string& name, const Arguments& arguments) {
    const auto path = Path() / "services" / "define" / name;
    TRY(change_configuration("engine rm " + name, [&](Value& document) -> Result<void> {
        if (!path.erase(document)) return fail(Kind::not_found, "there is no engine {}", name);
        return {};
    }));
    const auto query = TRY(timeout_query(arguments, "--timeout"));
    for (const auto& one : service_containers()) {
        if (one.container.service != name) continue;
        const auto engine = engine_of(one.scope);
        TRY(engine.call("POST", "/containers/" + one.container.id + "/stop" + query));
        TRY(engine.call("DELETE", "/containers/" + one.container.id + "?force=1&v=1"));
    }
    return sys::remove_tree("/var/lib/diatom/engines/" + name).transform([] { return 0; });
}

Result<int> choose(const Choice& kind, std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    const auto& words = arguments.rest;
    const bool is_engine = kind.key == kEngine.key;
    const auto line = std::format(
        "diatom {} COMMAND\n  list                the machine's own, and what was chosen in its place\n"
        "  enable IMAGE        from the next boot on; `default` is the machine's own\n"
        "  switch IMAGE        now{}",
        kind.name,
        is_engine ? "\n  create NAME -v IMAGE  another engine, as a container of the user engine\n  rm NAME" : "");
    if (arguments.has("--help") || words.empty()) {
        std::fputs((usage(line, kOptions) + "\n").c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    if (words[0] == "list" && words.size() == 1) return list(kind);
    if (words.size() != 2) return fail(Kind::invalid, "usage: {}", line);
    if (words[0] == "enable") {
        TRY(enable(kind, words[1]));
        return 0;
    }
    if (words[0] == "switch") return switch_to(kind, words[1], arguments);
    if (is_engine && words[0] == "create") return create_engine(words[1], arguments);
    if (is_engine && words[0] == "rm") return remove_engine(words[1], arguments);
    return fail(Kind::invalid, "usage: {}", line);
}

Result<void> post(const std::string& container, const std::string& action) {
    TRY(engine_of(Scope::system).call("POST", "/containers/" + container + action), "{} {}", container, action);
    return {};
}

Result<void> unless_missing(Result<void> done) {
    return !done && done.error().kind() == Kind::not_found ? Result<void>() : done;
}

}  // namespace

Result<int> choose_console(std::span<char*> args) { return choose(kConsole, args); }
Result<int> choose_engine(std::span<char*> args) { return choose(kEngine, args); }

Result<void> take_the_place(const std::string& own, const std::string& image_service, Handover handover) {
    const auto services = TRY(read_services(Look::anew));
    const auto engine = engine_of(Scope::system);
    service::Starter starter(
        engine, services.system,
        {.up = {.start = false}, .chosen = {image_service}, .retries = false, .own = {}, .report = {}});
    for (const auto& [name, progress] : starter.run()) {
        if (progress.stage == service::Stage::failed) return fail(Kind::io, "{}: {}", name, progress.why);
    }
    if (const auto health = compose::inspect_health(engine, image_service); health && health->running) return {};
    if (handover == Handover::start_first) {
        TRY(post(image_service, "/start"));
        return unless_missing(post(own, "/stop"));
    }
    TRY(unless_missing(post(own, "/stop")));
    auto started = post(image_service, "/start");
    if (!started) std::ignore = post(own, "/start");
    return started;
}

Result<void> give_the_place_back(const std::string& own, const std::string& image_service, Handover handover) {
    TRY(read_services(Look::anew));
    const auto remove = [&]() -> Result<void> {
        TRY(engine_of(Scope::system).call("DELETE", "/containers/" + image_service + "?force=1&v=1"));
        return {};
    };
    if (handover == Handover::stop_first) TRY(unless_missing(remove()));
    auto started = post(own, "/start");
    if (!started && started.error().kind() == Kind::not_found)
        return fail(Kind::unavailable, "{} was not there when the machine started: it runs from the next boot on", own);
    if (started && handover == Handover::start_first) return unless_missing(remove());
    return started;
}

}  // namespace diatom::cli
