#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cli/log_sources.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

constexpr useconds_t kPollUs = 250'000;
constexpr std::array<OptionSpec, 5> kOptions{
    {{"--follow", 'f', false, "go on with what is logged from now on"},
     {"--since", 's', true, "RFC 3339, seconds since 1970, or a duration: 10m"},
     {"--lines", 'n', true, "only the last so many"},
     {"--unit", 'u', true, "only what UNIT says; may be repeated"},
     {"--output", 'o', true, "short (default) or json"}}};

struct Query {
    std::vector<std::string> units;  // empty: all
    std::int64_t since = 0;
    std::optional<std::uint64_t> lines;
    bool json = false, follow = false;
};

Result<Query> decode_query(const Arguments& arguments) {
    Query query{.units = arguments.values("--unit"), .follow = arguments.has("--follow")};
    query.units.insert(query.units.end(), arguments.rest.begin(), arguments.rest.end());
    if (arguments.has("--since")) {
        const auto since = sys::parse_time_argument(arguments.value("--since"));
        if (!since)
            return fail(Kind::invalid, "--since {}: not a time; write 2026-11-23T10:56:26Z, or 10m",
                        arguments.value("--since"));
        query.since = *since;
    }
    if (arguments.has("--lines")) {
        query.lines = parse_uint(arguments.value("--lines"));
        if (!query.lines) return fail(Kind::invalid, "--lines {}: not a number", arguments.value("--lines"));
    }
    const auto output = arguments.value("--output", "short");
    if (output != "short" && output != "json")
        return fail(Kind::invalid, "--output must be short or json, not {}", output);
    query.json = output == "json";
    return query;
}

std::map<std::string, std::string> container_names() {
    std::map<std::string, std::string> names;
    const auto list = http_get("/run/diatom/system.sock", "/containers/json?all=1", 1000);
    if (!list || !list->is_array()) return names;
    for (const auto& container : *list) {
        const auto all = json_strings(container, "Names");
        if (!all || all->empty()) continue;
        names[json_string(container, "Id").value_or("")] =
            all->front().starts_with('/') ? all->front().substr(1) : all->front();
    }
    return names;
}

// False when nobody reads any more.
bool print(const std::vector<LogRecord>& records, const Query& query) {
    for (const auto& record : records) {
        std::fputs(((query.json ? format_json(record) : format_short(record)) + "\n").c_str(), stdout);
    }
    return std::fflush(stdout) == 0;
}

void select(std::vector<LogRecord>& records, const Query& query) {
    std::erase_if(records, [&](const LogRecord& record) {
        return record.time < query.since || (!query.units.empty() && !std::ranges::contains(query.units, record.unit));
    });
}

Result<void> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    if (arguments.has("--help")) {
        std::fputs(
            usage("diatom logs [OPTIONS] [UNIT...]    units: kernel, init, system-engine, user-engine, a container",
                  kOptions)
                .c_str(),
            stdout);
        return {};
    }
    const auto query = TRY(decode_query(arguments));
    LogPlaces places;
    places.container_names = container_names();
    LogSources sources(std::move(places));
    TRY(check_units(query.units, sources.units()));
    auto records = sources.read();
    select(records, query);
    if (query.lines && records.size() > *query.lines) {
        records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(*query.lines));
    }
    bool read = print(records, query);
    while (query.follow && read) {
        ::usleep(kPollUs);
        records = sources.read();
        select(records, query);
        read = print(records, query);
    }
    return {};
}

}  // namespace

int logs_command(std::span<char*> args) {
    auto done = run(args);
    return done ? 0 : report("logs", done.error());
}

}  // namespace diatom::cli
