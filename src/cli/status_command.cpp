#include <array>
#include <cstdio>
#include <string>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/boot_chart.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cli/memory.h"
#include "proc/supervisor.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 1> kOptions{{{"--json", 'j', false, "the same as JSON"}}};
constexpr std::array<std::pair<const char*, const char*>, 2> kEngines{
    {{"system", "/run/diatom/system.sock"}, {"user", "/run/docker.sock"}}};

Json describe_memory() {
    const auto memory = read_memory();
    if (!memory) return {{"error", memory.error().what()}};
    return {{"total", memory->total}, {"available", memory->available}, {"used", memory->used()}};
}

// null where nothing runs.
Json memory_of(const char* scope, const Json& container) {
    const auto bytes = read_container_memory(scope, json_string(container, "Id").value_or(""));
    return bytes ? Json(*bytes) : Json();
}

Json read_engine(const char* scope, const char* socket) {
    const auto version = http_get(socket, "/version");
    if (!version) return {{"answers", false}, {"error", version.error().what()}};
    Json engine{{"answers", true}, {"api", json_member(*version, "ApiVersion")}, {"containers", Json::array()}};
    const auto list = http_get(socket, "/containers/json?all=1");
    if (!list || !list->is_array()) return engine;
    for (const auto& container : *list) {
        const Json& names = json_member(container, "Names");
        std::string name =
            names.is_array() && !names.empty() && names[0].is_string() ? names[0].get<std::string>() : "";
        if (name.starts_with('/')) name.erase(0, 1);
        engine["containers"].push_back({{"name", name},
                                        {"state", json_member(container, "State")},
                                        {"status", json_member(container, "Status")},
                                        {"memory", memory_of(scope, container)},
                                        {"image", json_member(container, "Image")}});
    }
    return engine;
}

Json read_boot(const Json& status) {
    const auto uptime = json_int(status, "uptime_us").value_or(0);
    Json boot{{"at", sys::format_rfc3339(sys::wall_ns() - uptime * 1000)}, {"uptime_us", uptime}};
    const auto timeline = proc::Supervisor().timeline();
    const auto marks = timeline ? decode_marks(*timeline) : Result<std::vector<BootMark>>(std::vector<BootMark>{});
    for (const auto& mark : marks ? *marks : std::vector<BootMark>{}) {
        if (mark.name == "user engine ready") boot["ready_us"] = mark.at_us;
    }
    return boot;
}

Result<Json> read_status() {
    Json status = TRY(proc::Supervisor().status());
    status.erase("ok");
    status["memory"] = describe_memory();
    status["boot"] = read_boot(status);
    for (const auto& [name, socket] : kEngines) status["engines"][name] = read_engine(name, socket);
    if (const auto space = sys::free_space("/var/lib/diatom")) {
        status["state"]["bytes"] = space->total;
        status["state"]["free"] = space->free;
    }
    return status;
}

std::string text_of(const Json& object, std::string_view key) { return json_string(object, key).value_or(""); }
std::uint64_t bytes_of(const Json& object, std::string_view key) {
    return static_cast<std::uint64_t>(json_int(object, key).value_or(0));
}

std::string describe_state(const Json& state) {
    const auto space =
        std::format("{} free of {}", format_bytes(bytes_of(state, "free")), format_bytes(bytes_of(state, "bytes")));
    if (json_bool(state, "persistent").value_or(false)) return std::format("{} ({})", text_of(state, "device"), space);
    const auto problem = text_of(state, "problem");
    return std::format("IN MEMORY, forgotten when the machine ends ({}){}{}", space,
                       problem.empty() ? "" : "\n              ", problem);
}

std::string describe_boot(const Json& boot) {
    const auto up = bytes_of(boot, "uptime_us") / 1'000'000;
    std::string text =
        std::format("{}, up {}:{:02}:{:02}", text_of(boot, "at").substr(0, 19) + "Z", up / 3600, up / 60 % 60, up % 60);
    if (boot.contains("ready_us")) text += std::format(", ready after {} ms", bytes_of(boot, "ready_us") / 1000);
    return text;
}

std::string draw_memory(const Json& memory) {
    if (memory.contains("error")) return text_of(memory, "error");
    return std::format("{} used of {}", format_bytes(bytes_of(memory, "used")),
                       format_bytes(bytes_of(memory, "total")));
}

std::string draw_container(const Json& container) {
    const bool known = json_member(container, "memory").is_number();
    return std::format("  {:20} {:10} {:>10}  {}\n", text_of(container, "name"), text_of(container, "state"),
                       known ? format_bytes(bytes_of(container, "memory")) : "", text_of(container, "status"));
}

std::string draw(const Json& status) {
    std::string text =
        std::format("Diatom OS     {}\nbooted        {}\nstate         {}\nmemory        {}\n",
                    text_of(status, "version"), describe_boot(json_member(status, "boot")),
                    describe_state(json_member(status, "state")), draw_memory(json_member(status, "memory")));
    for (const auto& [name, socket] : kEngines) {
        const Json& engine = json_member(json_member(status, "engines"), name);
        const bool answers = json_bool(engine, "answers").value_or(false);
        text += std::format("{:13} {}\n", std::string(name) + " engine",
                            answers ? std::format("ready, API {}", text_of(engine, "api")) : text_of(engine, "error"));
        for (const auto& container : json_member(engine, "containers")) {
            text += draw_container(container);
        }
    }
    for (const auto& problem : json_member(status, "problems")) {
        if (problem.is_string()) text += "PROBLEM       " + problem.get<std::string>() + "\n";
    }
    return text;
}

Result<void> run(std::span<char*> args) {
    const auto options = TRY(parse_arguments(args, kOptions));
    if (options.has("--help")) {
        std::fputs(usage("diatom status [--json]", kOptions).c_str(), stdout);
        return {};
    }
    if (!options.rest.empty()) return fail(Kind::invalid, "unknown argument {}", options.rest.front());
    const auto status = TRY(read_status());
    std::fputs(options.has("--json") ? (dump_json(status, 2) + "\n").c_str() : draw(status).c_str(), stdout);
    return {};
}

}  // namespace

int status_command(std::span<char*> args) {
    auto done = run(args);
    return done ? 0 : report("status", done.error());
}

}  // namespace diatom::cli
