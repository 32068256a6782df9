// exec and run: a command in a container, with our terminal.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <random>
#include <tuple>

#include "base/strings.h"
#include "cli/compose_command.h"
#include "cli/exec_session.h"

namespace diatom::cli {
namespace {

constexpr std::array kExec{
    OptionSpec{"--detach", 'd', false, "do not wait for it"},
    OptionSpec{"--env", 'e', true, "NAME=VALUE"},
    OptionSpec{"--index", 0, true, "which container of the service, from 1"},
    OptionSpec{"--interactive", 'i', false, "as always"},
    OptionSpec{"--no-TTY", 'T', false, "without a terminal"},
    OptionSpec{"--privileged", 0, false, "with all capabilities"},
    OptionSpec{"--tty", 't', false, "as always, where there is one"},
    OptionSpec{"--user", 'u', true, "NAME or UID[:GID]"},
    OptionSpec{"--workdir", 'w', true, "the directory to start in"},
};
constexpr std::array kRun{
    OptionSpec{"--detach", 'd', false, "do not wait for it"},
    OptionSpec{"--env", 'e', true, "NAME=VALUE"},
    OptionSpec{"--entrypoint", 0, true, "in place of the service's"},
    OptionSpec{"--name", 0, true, "of the container"},
    OptionSpec{"--no-TTY", 'T', false, "without a terminal"},
    OptionSpec{"--no-deps", 0, false, "do not start what the service depends on"},
    OptionSpec{"--rm", 0, false, "remove the container when it has ended"},
    OptionSpec{"--user", 'u', true, "NAME or UID[:GID]"},
    OptionSpec{"--workdir", 'w', true, "the directory to start in"},
    OptionSpec{"--volume", 'v', true, "SOURCE:TARGET[:OPTIONS]"},
    OptionSpec{"--publish", 'p', true, "[ADDRESS:][PORT:]PORT[/PROTOCOL]"},
    OptionSpec{"--service-ports", 'P', false, "with the service's ports"},
    OptionSpec{"--use-aliases", 0, false, "with the service's names on its networks"},
    OptionSpec{"--label", 'l', true, "NAME=VALUE"},
    OptionSpec{"--cap-add", 0, true, "a capability"},
    OptionSpec{"--cap-drop", 0, true, "a capability"},
    OptionSpec{"--interactive", 'i', false, "as always"},
    OptionSpec{"--tty", 't', false, "as always, where there is one"},
    OptionSpec{"--build", 0, false, "refused: images are not built here"},
};

Terminal wanted_terminal(const Arguments& arguments) {
    return arguments.has("--no-TTY") ? Terminal::no : own_terminal();
}

Value words_of(const Arguments& arguments, std::size_t first) {
    auto list = Value::list();
    for (std::size_t i = first; i < arguments.rest.size(); ++i) list.add(Value::of(arguments.rest[i]));
    return list;
}

Result<std::string> container_for(const compose::Client& client, const compose::Project& project,
                                  const Arguments& arguments) {
    const auto& service = arguments.rest.front();
    const auto index = parse_int(arguments.value("--index", "0")).value_or(-1);
    for (const auto& container : TRY(chosen_containers(client, project, {service}))) {
        if (container.is_running() && (index == 0 || container.number == index)) return container.id;
    }
    return fail(Kind::not_found, "the service {} has no running container{}: start it with up", service,
                index > 0 ? std::format(" {}", index) : "");
}

void set_common(const Arguments& arguments, Value& body) {
    if (arguments.has("--env")) body.set("Env", Value::of(arguments.values("--env")));
    if (arguments.has("--user")) body.set("User", arguments.value("--user"));
    if (arguments.has("--workdir")) body.set("WorkingDir", arguments.value("--workdir"));
}

std::string random_hex() {
    std::random_device source;
    return std::format("{:08x}{:04x}", source(), source() & 0xffffU);
}

// What the service's container gets otherwise when it runs one command.
Value run_changes(const Arguments& arguments, Terminal terminal) {
    auto changed = Value::map();
    set_common(arguments, changed);
    if (arguments.rest.size() > 1) changed.set("Cmd", words_of(arguments, 1));
    if (arguments.has("--entrypoint")) {
        changed.set("Entrypoint", Value::of(std::vector<std::string>{arguments.value("--entrypoint")}));
    }
    const bool attached = !arguments.has("--detach");
    changed.set("Tty", Value::of(terminal == Terminal::yes));
    changed.set("OpenStdin", Value::of(attached));
    changed.set("StdinOnce", Value::of(attached));
    changed.set("AttachStdin", Value::of(attached));
    return changed;
}

// "[ADDRESS:][PORT:]PORT[/PROTOCOL]" onto the ports of a container.
Result<void> add_port(const std::string& text, Value& exposed, Value& bindings) {
    const auto halves = cut_last(text, ':').value_or(Halves{"", text});
    const auto outside = cut_last(halves.first, ':').value_or(Halves{"", halves.first});
    const auto inside = cut(halves.second, '/').value_or(Halves{halves.second, "tcp"});
    const auto is_port = [](std::string_view port) { return parse_uint(port).value_or(0) - 1 < 65535; };
    if (!is_port(inside.first) || (!outside.second.empty() && !is_port(outside.second)))
        return fail(Kind::invalid, "--publish {}: must be [ADDRESS:][PORT:]PORT[/PROTOCOL]", text);
    const auto key = std::format("{}/{}", inside.first, inside.second);
    auto binding = Value::map();
    binding.set("HostIp", std::string(outside.first));
    binding.set("HostPort", std::string(outside.second));
    auto list = Value::list();
    if (const auto* before = bindings.find(key)) list = *before;
    list.add(std::move(binding));
    bindings.set(key, std::move(list));
    exposed.set(key, Value::map());
    return {};
}

// Relative to where the user is, as a shell would have it; a name is a volume's.
Result<std::string> bind_of(const std::string& text) {
    if (!text.starts_with('.') && !text.starts_with('~')) return text;
    const auto halves = cut(text, ':').value_or(Halves{text, ""});
    std::error_code failed;
    const auto source = std::filesystem::weakly_canonical(std::string(halves.first), failed);
    if (failed || text.starts_with('~')) return fail(Kind::invalid, "--volume {}: name the source as a path", text);
    return source.string() + ":" + std::string(halves.second);
}

Result<compose::OneOff> one_off_of(const compose::Project& project, const Arguments& arguments, Terminal terminal) {
    const auto& service = arguments.rest.front();
    compose::OneOff wanted{
        .service = service,
        .name = arguments.value("--name", std::format("{}-{}-run-{}", project.name, service, random_hex())),
        .changed = run_changes(arguments, terminal),
        .ports = arguments.has("--service-ports"),
        .aliases = arguments.has("--use-aliases")};
    std::vector<std::string> binds;
    for (const auto& text : arguments.values("--volume")) binds.push_back(TRY(bind_of(text)));
    if (!binds.empty()) wanted.host.set("Binds", Value::of(binds));
    for (const auto& [option, key] : {std::pair("--cap-add", "CapAdd"), std::pair("--cap-drop", "CapDrop")}) {
        if (arguments.has(option)) wanted.host.set(key, Value::of(arguments.values(option)));
    }
    auto exposed = Value::map(), bindings = Value::map(), labels = Value::map();
    for (const auto& text : arguments.values("--publish")) TRY(add_port(text, exposed, bindings));
    for (const auto& text : arguments.values("--label")) {
        const auto halves = cut(text, '=').value_or(Halves{text, ""});
        labels.set(halves.first, std::string(halves.second));
    }
    if (!bindings.members().empty()) {
        wanted.changed.set("ExposedPorts", std::move(exposed));
        wanted.host.set("PortBindings", std::move(bindings));
    }
    if (!labels.members().empty()) wanted.changed.set("Labels", std::move(labels));
    return wanted;
}

}  // namespace

Result<int> compose_exec(ComposeContext& context, std::span<char*> args) {
    const auto arguments =
        TRY(compose_arguments(args, kExec, "exec [OPTIONS] SERVICE COMMAND [ARGUMENT...]", Order::options_first));
    if (!arguments) return 0;
    if (arguments->rest.size() < 2) return fail(Kind::invalid, "exec needs a service and a command");
    context.options.profiles.emplace_back("*");
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    const auto id = TRY(container_for(client, project, *arguments));
    const bool detached = arguments->has("--detach");
    const auto terminal = detached ? Terminal::no : wanted_terminal(*arguments);
    auto body = Value::map();
    body.set("Cmd", words_of(*arguments, 1));
    set_common(*arguments, body);
    body.set("Privileged", Value::of(arguments->has("--privileged")));
    return exec_in(client, id, std::move(body), detached ? Attached::no : Attached::yes, terminal);
}

Result<int> compose_run(ComposeContext& context, std::span<char*> args) {
    const auto arguments =
        TRY(compose_arguments(args, kRun, "run [OPTIONS] SERVICE [COMMAND] [ARGUMENT...]", Order::options_first));
    if (!arguments) return 0;
    if (arguments->rest.empty()) return fail(Kind::invalid, "run needs a service");
    if (arguments->has("--build")) return refuse_build();
    const auto& service = arguments->rest.front();
    context.options.services = {service};
    if (arguments->has("--no-deps")) context.options.dependencies = compose::Dependencies::without;
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));

    compose::Runner runner(client, project, report_step);
    if (!arguments->has("--no-deps")) {
        compose::UpOptions others;
        others.recreate = compose::Recreate::never;
        TRY(runner.up_dependencies(service, others));
    } else {
        TRY(runner.prepare(compose::Pull::missing));
    }
    const bool detached = arguments->has("--detach");
    const auto terminal = detached ? Terminal::no : wanted_terminal(*arguments);
    const auto wanted = TRY(one_off_of(project, *arguments, terminal));
    const auto id = TRY(runner.create_one_off(wanted));
    if (detached) {
        TRY(client.call("POST", "/containers/" + id + "/start"));
        std::puts(wanted.name.c_str());
        return 0;
    }
    auto code = run_attached(client, id, terminal);
    if (arguments->has("--rm"))
        TRY(client.call("DELETE", "/containers/" + id + "?force=1&v=1"), "remove {}", wanted.name);
    return code;
}

}  // namespace diatom::cli
