#include <array>
#include <cstdio>

#include "base/json.h"
#include "base/strings.h"
#include "cli/runtime_command.h"
#include "oci/resources.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 2> kEventOptions = {{
    {"--stats", 0, false, "print the statistics once"},
    {"--interval", 0, true, "a duration between statistics (default 5s)"},
}};
constexpr std::array<OptionSpec, 1> kPsOptions = {{{"--format", 'f', true, "table (default) or json"}}};

// Where the value of an option goes in linux.resources.
enum class As : std::uint8_t { bytes, number, text };
struct Limit {
    OptionSpec option;
    const char *section, *key;
    As as;
};
constexpr std::array<Limit, 13> kLimits = {{
    {{"--memory", 'm', true, "bytes, or 64m, 1g; -1: no limit"}, "memory", "limit", As::bytes},
    {{"--memory-reservation", 0, true, "bytes that are protected"}, "memory", "reservation", As::bytes},
    {{"--memory-swap", 0, true, "memory and swap together; -1: no limit"}, "memory", "swap", As::bytes},
    {{"--cpu-share", 0, true, "2 to 262144"}, "cpu", "shares", As::number},
    {{"--cpu-shares", 0, true, "the same"}, "cpu", "shares", As::number},
    {{"--cpu-quota", 0, true, "microseconds a period; -1: no limit"}, "cpu", "quota", As::number},
    {{"--cpu-period", 0, true, "microseconds"}, "cpu", "period", As::number},
    {{"--cpu-burst", 0, true, "microseconds"}, "cpu", "burst", As::number},
    {{"--cpu-idle", 0, true, "1: runs only when nothing else does"}, "cpu", "idle", As::number},
    {{"--cpuset-cpus", 0, true, "0-2,7"}, "cpu", "cpus", As::text},
    {{"--cpuset-mems", 0, true, "0-1"}, "cpu", "mems", As::text},
    {{"--pids-limit", 0, true, "number of processes; -1: no limit"}, "pids", "limit", As::number},
    {{"--blkio-weight", 0, true, "10 to 1000"}, "blockIO", "weight", As::number},
}};
constexpr OptionSpec kResources{"--resources", 'r', true, "a file with linux.resources as JSON, - for standard input"};
constexpr std::array<std::string_view, 6> kRefused = {"--kernel-memory",  "--kernel-memory-tcp", "--cpu-rt-period",
                                                      "--cpu-rt-runtime", "--l3-cache-schema",   "--mem-bw-schema"};

std::vector<OptionSpec> update_options() {
    std::vector<OptionSpec> options = {kResources};
    for (const auto& limit : kLimits) options.push_back(limit.option);
    for (const auto name : kRefused) options.push_back({name, 0, true, "refused: version 2 of cgroups has none"});
    return options;
}

Result<std::int64_t> quantity(const Limit& limit, const std::string& text) {
    const auto plain = parse_int(text);
    if (plain) return *plain;
    const auto bytes = limit.as == As::bytes ? parse_bytes(text) : std::nullopt;
    if (bytes) return static_cast<std::int64_t>(*bytes);
    return fail(Kind::invalid, "update: {} {}: no such quantity", limit.option.name, text);
}

Result<Json> resources_of(const Arguments& arguments) {
    for (const auto name : kRefused) {
        if (arguments.has(name)) return fail(Kind::unsupported, "update: {} is not supported: leave it out", name);
    }
    Json resources = Json::object();
    if (arguments.has("--resources")) {
        const auto path = arguments.value("--resources");
        const auto text = path == "-" ? TRY(sys::read_all(FdRef(0)), "update: resources")
                                      : TRY(sys::read_file(path), "update: resources");
        resources = TRY(parse_json(text, path));
    }
    for (const auto& limit : kLimits) {
        if (!arguments.has(limit.option.name)) continue;
        const auto text = arguments.value(limit.option.name);
        Json& place = resources[limit.section][limit.key];
        if (limit.as == As::text) place = text;
        else place = TRY(quantity(limit, text));
    }
    if (resources.empty()) return fail(Kind::invalid, "update: nothing to change: --help lists the limits");
    return resources;
}

std::string command_line(int pid) {
    auto text = sys::read_file(std::format("/proc/{}/cmdline", pid)).value_or("");
    while (text.ends_with('\0')) text.pop_back();
    for (char& c : text) {
        if (c == '\0' || c == '\n') c = ' ';
    }
    return text;
}

std::string status_field(const std::string& status, std::string_view name) {
    for (const auto line : split(status, '\n')) {
        const auto halves = cut(line, ':');
        if (halves && halves->first == name) return std::string(split_words(halves->second).front());
    }
    return "?";
}

void print_processes(const std::vector<int>& pids) {
    std::puts(std::format("{:>8} {:>8} {:>8}  {}", "UID", "PID", "PPID", "CMD").c_str());
    for (const int pid : pids) {
        const auto status = sys::read_file(std::format("/proc/{}/status", pid)).value_or("");
        if (status.empty()) continue;  // ended meanwhile
        std::puts(std::format("{:>8} {:>8} {:>8}  {}", status_field(status, "Uid"), pid, status_field(status, "PPid"),
                              command_line(pid))
                      .c_str());
    }
}

}  // namespace

Result<int> runtime_update(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, update_options(), Words::id));
    if (arguments.has("--help")) return 0;
    TRY(oci::update(place, arguments.rest[0], TRY(resources_of(arguments))));
    return 0;
}

Result<int> runtime_events(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kEventOptions, Words::id));
    if (arguments.has("--help")) return 0;
    const auto print = [](const Json& event) { return sys::write_all(FdRef(1), dump_json(event) + "\n"); };
    if (arguments.has("--stats")) {
        TRY(print(TRY(oci::stats(place, arguments.rest[0]))));
        return 0;
    }
    const auto text = arguments.value("--interval", "5s");
    const auto interval = sys::parse_duration(text);
    if (!interval || *interval < 1'000'000)
        return fail(Kind::invalid, "events: --interval {}: it must be a duration as 5s", text);
    TRY(oci::follow_events(place, arguments.rest[0], static_cast<int>(*interval / 1'000'000), print));
    return 0;
}

Result<int> runtime_ps(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kPsOptions, Words::id_and_more));
    if (arguments.has("--help")) return 0;
    if (arguments.rest.size() > 1)
        return fail(Kind::unsupported, "ps: \"{}\": options of ps(1) are not supported", arguments.rest[1]);
    const auto format = arguments.value("--format", "table");
    if (format != "table" && format != "json")
        return fail(Kind::invalid, "ps: --format {}: it must be table or json", format);
    const auto pids = TRY(oci::processes(place, arguments.rest[0]));
    if (format == "json") std::puts(dump_json(Json(pids)).c_str());
    else print_processes(pids);
    return 0;
}

}  // namespace diatom::cli
