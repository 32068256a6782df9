// diatom system check: the engines' invariants, stated by themselves (engine/check.h).
#include <array>
#include <cstdio>
#include <string>

#include "cli/arguments.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/http_get.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 2> kOptions{
    {{"--format", 0, true, "text, or json"}, {"--scope", 0, true, "system or user; both when not given"}}};
constexpr std::array<std::pair<const char*, const char*>, 2> kEngines{
    {{"system", "/run/diatom/system.sock"}, {"user", "/run/docker.sock"}}};
constexpr int kPatienceMs = 120'000;  // a check reads all of the databases and looks several times

// One that does not answer cannot say that all is well.
Json ask_engine(const char* socket) {
    auto report = http_get(socket, "/diatom/check", kPatienceMs);
    if (report && report->is_object()) return std::move(*report);
    const auto why = report ? std::string("its answer is not an object") : report.error().what();
    return {{"holds", false},
            {"findings",
             {{{"what", "the engine does not answer: " + why}, {"where", socket}, {"advice", "see `diatom logs`"}}}}};
}

Result<int> run(std::span<char*> args) {
    const auto options = TRY(parse_arguments(args, kOptions));
    const char* line = "diatom system check [--format text|json] [--scope system|user]";
    if (options.has("--help")) {
        std::fputs(usage(line, kOptions).c_str(), stdout);
        return 0;
    }
    if (options.rest.size() != 1 || options.rest.front() != "check") return fail(Kind::invalid, "usage: {}", line);
    const auto format = options.value("--format", "text"), scope = options.value("--scope");
    if (format != "text" && format != "json") return fail(Kind::invalid, "--format is text or json, not {}", format);
    if (!scope.empty() && scope != "system" && scope != "user")
        return fail(Kind::invalid, "--scope is system or user, not {}", scope);
    Json engines = Json::object();
    for (const auto& [name, socket] : kEngines) {
        if (scope.empty() || scope == name) engines[name] = ask_engine(socket);
    }
    std::fputs(format == "json" ? (dump_json(engines, 2) + "\n").c_str() : draw_check(engines).c_str(), stdout);
    return all_hold(engines) ? 0 : 1;
}

}  // namespace

int system_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("system", code.error());
}

}  // namespace diatom::cli
