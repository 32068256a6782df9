// `system-docker`: the everyday commands of docker, on the system engine. What is not here is done by docker's own
// command line with -H unix:///run/system-docker.sock.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "base/strings.h"
#include "cli/command.h"
#include "cli/exec_session.h"
#include "cli/table.h"
#include "compose/containers.h"
#include "compose/pull_image.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

using compose::Client;
using Words = std::vector<std::string>;

constexpr const char* kSocket = "/run/system-docker.sock";

constexpr std::array<OptionSpec, 22> kOptions{{
    {"--all", 'a', false, "ps: with those that do not run"},
    {"--quiet", 'q', false, "ps, images: only the ids"},
    {"--follow", 'f', false, "logs: go on; rm, rmi: by force"},
    {"--force", 0, false, "rm, rmi: by force"},
    {"--tail", 'n', true, "logs: only the last so many lines"},
    {"--since", 0, true, "logs: RFC 3339, or a duration"},
    {"--time", 0, true, "stop, restart: seconds until it is killed"},
    {"--signal", 's', true, "kill: the signal (KILL)"},
    {"--interactive", 'i', false, "exec, run: with standard input"},
    {"--tty", 't', false, "exec, run: with a terminal"},
    {"--detach", 'd', false, "exec, run: in the background"},
    {"--env", 'e', true, "exec, run: NAME=VALUE"},
    {"--user", 'u', true, "exec, run: NAME or UID[:GID]"},
    {"--workdir", 'w', true, "exec, run: the directory to start in"},
    {"--privileged", 0, false, "exec, run: with all capabilities"},
    {"--rm", 0, false, "run: remove it when it has ended"},
    {"--name", 0, true, "run: of the container"},
    {"--volume", 'v', true, "run: SOURCE:TARGET[:OPTIONS]"},
    {"--net", 0, true, "run: its network"},
    {"--network", 0, true, "run: its network"},
    {"--pid", 0, true, "run: host, or container:NAME"},
    {"--restart", 0, true, "run: no, always, unless-stopped, on-failure[:COUNT]"},
}};
constexpr const char* kUsage =
    "system-docker COMMAND [ARGUMENTS]\n"
    "  ps, images, inspect, logs, exec, run, start, stop, restart, kill, pause, unpause, rm, rmi, pull, version, info\n"
    "  On the engine of the system's own containers. Options stand before the container or the image; everything "
    "else:\n"
    "  docker -H unix:///run/system-docker.sock";

std::string short_id(const Json& object) {
    auto id = json_string(object, "Id").value_or("");
    if (id.starts_with("sha256:")) id.erase(0, 7);
    return id.substr(0, 12);
}

std::string age(const Json& object) {
    const auto seconds = sys::wall_ns() / 1'000'000'000 - json_int(object, "Created").value_or(0);
    if (seconds < 120) return std::format("{} seconds ago", seconds);
    if (seconds < 7200) return std::format("{} minutes ago", seconds / 60);
    if (seconds < 172'800) return std::format("{} hours ago", seconds / 3600);
    return std::format("{} days ago", seconds / 86'400);
}

Result<int> ps(const Client& client, const Arguments& arguments) {
    std::vector<std::array<std::string, 6>> table{{"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"}};
    const auto listed = TRY(client.get(arguments.has("--all") ? "/containers/json?all=1" : "/containers/json"));
    for (const auto& one : listed) {
        const auto command = json_string(one, "Command").value_or("");
        const auto names = json_strings(one, "Names").value_or(Words());
        table.push_back({short_id(one), json_string(one, "Image").value_or(""),
                         "\"" + (command.size() > 20 ? command.substr(0, 19) + "…" : command) + "\"", age(one),
                         json_string(one, "Status").value_or(""), names.empty() ? "" : names.front().substr(1)});
    }
    if (!arguments.has("--quiet")) print_rows(table);
    else
        for (std::size_t i = 1; i < table.size(); ++i) std::puts(table[i][0].c_str());
    return 0;
}

Result<int> images(const Client& client, const Arguments& arguments) {
    std::vector<std::array<std::string, 5>> table{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"}};
    const auto listed = TRY(client.get("/images/json"));
    for (const auto& one : listed) {
        auto tags = json_strings(one, "RepoTags").value_or(Words());
        if (tags.empty()) tags.emplace_back("<none>:<none>");
        for (const auto& tag : tags) {
            const auto halves = cut_last(tag, ':').value_or(Halves{tag, ""});
            table.push_back({std::string(halves.first), std::string(halves.second), short_id(one), age(one),
                             std::format("{:.1f}MB", static_cast<double>(json_int(one, "Size").value_or(0)) / 1e6)});
        }
    }
    if (!arguments.has("--quiet")) print_rows(table);
    else
        for (std::size_t i = 1; i < table.size(); ++i) std::puts(table[i][2].c_str());
    return 0;
}

Result<int> each(const Words& words, const std::function<Result<void>(const std::string& name)>& act) {
    if (words.empty()) return fail(Kind::invalid, "name at least one");
    for (const auto& name : words) {
        TRY(act(name));
        std::puts(name.c_str());
    }
    return 0;
}

std::string container(const std::string& name) { return "/containers/" + compose::percent_encode(name); }

Result<int> post(const Client& client, const Words& words, const std::string& action) {
    return each(words, [&](const std::string& name) -> Result<void> {
        TRY(client.call("POST", container(name) + action));
        return {};
    });
}

Result<int> remove(const Client& client, const Arguments& arguments, const Words& words, const std::string& kind) {
    const bool force = arguments.has("--follow") || arguments.has("--force");  // -f
    return each(words, [&](const std::string& name) -> Result<void> {
        TRY(client.call("DELETE", std::format("/{}/{}?force={:d}", kind, compose::percent_encode(name), force)));
        return {};
    });
}

Result<int> inspect(const Client& client, const Words& words) {
    if (words.empty()) return fail(Kind::invalid, "name at least one");
    Json all = Json::array();
    for (const auto& name : words) {
        auto found = client.get(container(name) + "/json");
        if (!found && found.error().kind() == Kind::not_found)
            found = client.get("/images/" + compose::percent_encode(name) + "/json");
        all.push_back(TRY(std::move(found)));
    }
    std::puts(dump_json(all, 4).c_str());
    return 0;
}

Result<int> logs(const Client& client, const Arguments& arguments, const Words& words) {
    if (words.size() != 1) return fail(Kind::invalid, "usage: system-docker logs [-f] [-n LINES] CONTAINER");
    const auto found = TRY(client.get(container(words[0]) + "/json"));
    compose::Container one;
    one.id = TRY(json_string(found, "Id"));
    one.name = words[0];
    TRY(print_logs(client, {one},
                   {.follow = arguments.has("--follow"),
                    .prefix = false,
                    .tail = arguments.value("--tail", "all"),
                    .since = arguments.value("--since")}));
    return 0;
}

void set_process(const Arguments& arguments, Value& body, const Words& words) {
    if (words.size() > 1) body.set("Cmd", Value::of(Words(words.begin() + 1, words.end())));
    if (arguments.has("--env")) body.set("Env", Value::of(arguments.values("--env")));
    if (arguments.has("--user")) body.set("User", arguments.value("--user"));
    if (arguments.has("--workdir")) body.set("WorkingDir", arguments.value("--workdir"));
}

Terminal terminal_of(const Arguments& arguments) { return arguments.has("--tty") ? own_terminal() : Terminal::no; }

Result<int> exec(const Client& client, const Arguments& arguments, const Words& words) {
    if (words.size() < 2) return fail(Kind::invalid, "usage: system-docker exec [-it] CONTAINER COMMAND [ARGUMENT...]");
    auto body = Value::map();
    set_process(arguments, body, words);
    body.set("Privileged", Value::of(arguments.has("--privileged")));
    return exec_in(client, words[0], std::move(body), arguments.has("--detach") ? Attached::no : Attached::yes,
                   terminal_of(arguments));
}

Value host_config(const Arguments& arguments) {
    auto host = Value::map();
    if (arguments.has("--volume")) host.set("Binds", Value::of(arguments.values("--volume")));
    const auto network = arguments.value("--network", arguments.value("--net"));
    if (!network.empty()) host.set("NetworkMode", network);
    if (arguments.has("--pid")) host.set("PidMode", arguments.value("--pid"));
    host.set("Privileged", Value::of(arguments.has("--privileged")));
    host.set("AutoRemove", Value::of(arguments.has("--rm")));
    if (arguments.has("--restart")) {
        const auto wanted = arguments.value("--restart");
        const auto halves = cut(wanted, ':');
        auto policy = Value::map();
        policy.set("Name", halves ? std::string(halves->first) : wanted);
        if (halves)
            policy.set("MaximumRetryCount",
                       Value::of(static_cast<std::int64_t>(parse_uint(halves->second).value_or(0))));
        host.set("RestartPolicy", std::move(policy));
    }
    return host;
}

Result<int> run_container(const Client& client, const Arguments& arguments, const Words& words) {
    if (words.empty()) return fail(Kind::invalid, "usage: system-docker run [OPTIONS] IMAGE [COMMAND] [ARGUMENT...]");
    const bool detached = arguments.has("--detach");
    const auto terminal = detached ? Terminal::no : terminal_of(arguments);
    auto body = Value::map();
    set_process(arguments, body, words);
    body.set("Image", words[0]);
    body.set("Tty", Value::of(arguments.has("--tty")));
    body.set("OpenStdin", Value::of(arguments.has("--interactive")));
    body.set("StdinOnce", Value::of(arguments.has("--interactive") && !detached));
    body.set("HostConfig", host_config(arguments));
    const auto target = "/containers/create?name=" + compose::percent_encode(arguments.value("--name"));
    auto made = client.call("POST", target, body);
    if (!made && made.error().kind() == Kind::not_found) {
        TRY(compose::pull_image(client, words[0]));
        made = client.call("POST", target, body);
    }
    const auto id = TRY(json_string(TRY(std::move(made)), "Id"));
    if (!detached) return run_attached(client, id, terminal);
    TRY(client.call("POST", container(id) + "/start"));
    std::puts(id.c_str());
    return 0;
}

Result<int> choose(const std::string& command, const Arguments& arguments, const Words& words) {
    const Client client({.unix_path = kSocket});
    if (command == "ps") return ps(client, arguments);
    if (command == "images") return images(client, arguments);
    if (command == "inspect") return inspect(client, words);
    if (command == "logs") return logs(client, arguments, words);
    if (command == "exec") return exec(client, arguments, words);
    if (command == "run") return run_container(client, arguments, words);
    if (command == "stop" || command == "restart")
        return post(client, words, "/" + command + TRY(timeout_query(arguments, "--time")));
    if (command == "start" || command == "pause" || command == "unpause") return post(client, words, "/" + command);
    if (command == "kill") return post(client, words, "/kill?signal=" + arguments.value("--signal", "KILL"));
    if (command == "rm") return remove(client, arguments, words, "containers");
    if (command == "rmi") return remove(client, arguments, words, "images");
    if (command == "pull")
        return each(words, [&](const std::string& image) { return compose::pull_image(client, image); });
    if (command == "version" || command == "info") {
        std::puts(dump_json(TRY(client.get("/" + command)), 2).c_str());
        return 0;
    }
    return fail(Kind::unsupported, "{} is not here: docker -H unix://{} {}", command, kSocket, command);
}

Result<int> run(std::span<char*> args) {
    // docker's options stand behind the command's name, and before the container's.
    const auto outer = TRY(parse_arguments(args, kOptions, Order::options_first));
    if (outer.has("--help") || outer.rest.empty()) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return outer.has("--help") ? 0 : 2;
    }
    const auto inner = args.last(outer.rest.size());
    const auto arguments = TRY(parse_arguments(inner, kOptions, Order::options_first));
    if (arguments.has("--help")) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return 0;
    }
    return choose(outer.rest.front(), arguments, arguments.rest);
}

}  // namespace

int system_docker_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("system-docker", code.error());
}

}  // namespace diatom::cli
