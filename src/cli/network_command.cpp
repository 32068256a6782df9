// `diatom network`: what the machine's network is, and changes of it that undo themselves.
#include "cli/network_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/config_show.h"
#include "configure/gather.h"
#include "configure/network.h"
#include "configure/network_service.h"
#include "document/json_reader.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "uplink/pending.h"
#include "uplink/plan.h"
#include "uplink/report.h"
#include "uplink/service.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 2> kOptions{{
    {"--json", 'j', false, "print JSON instead of YAML"},
    {"--confirm-within", 0, true, "apply: undo it after so many seconds, unless `diatom network confirm` comes before"},
}};
constexpr const char* kUsage =
    "diatom network COMMAND\n"
    "  status    links, addresses, routes, name servers; what is not as the configuration says\n"
    "  show      what the configuration means for the links of this machine\n"
    "  apply     make the network what the configuration says now\n"
    "  confirm   keep what was applied with --confirm-within";
constexpr std::uint64_t kMostSeconds = 24 * 3600;

machine::NetworkFiles files() { return {}; }

Result<Value> applied_network() {
    if (!sys::exists(files().config())) return Value::map();
    return TRY(read_json(TRY(sys::read_file(files().config())), files().config())).at("network");
}

Result<int> status(const Arguments& options) {
    auto kernel = TRY(uplink::Kernel::open());
    uplink::Seen seen{.links = TRY(kernel.links()),
                      .addresses = TRY(kernel.addresses()),
                      .routes = TRY(kernel.routes()),
                      .rules = TRY(kernel.rules()),
                      .resolv_conf = sys::read_file("/run/diatom/resolv.conf").value_or("")};
    auto shown = uplink::status(uplink::plan(TRY(applied_network()), seen.links), seen);
    const uplink::Pending pending(files(), machine::Unconfirmed());
    if (const auto deadline = pending.deadline()) {
        const auto left = std::max<std::int64_t>(*deadline - sys::boot_ns(), 0) / 1'000'000'000;
        shown.set("unconfirmed", std::format("goes back in {} s, unless `diatom network confirm` comes before", left));
    }
    std::fputs(show_value(shown, options.has("--json")).c_str(), stdout);
    return 0;
}

Result<int> show(const Arguments& options) {
    auto kernel = TRY(uplink::Kernel::open());
    const auto machine = configure::gather().layers.merged();
    const auto wanted = uplink::plan(machine.at("network"), TRY(kernel.links()));
    std::fputs(show_value(uplink::show(wanted), options.has("--json")).c_str(), stdout);
    return 0;
}

Result<std::int64_t> seconds_of(const Arguments& options) {
    const auto text = options.value("--confirm-within");
    const auto seconds = parse_uint(text);
    if (!seconds || *seconds == 0 || *seconds > kMostSeconds)
        return fail(Kind::invalid, "--confirm-within {}: a number of seconds, {} at most", text, kMostSeconds);
    return static_cast<std::int64_t>(*seconds);
}

Result<int> apply(const Arguments& options) {
    const auto gathered = configure::gather();
    for (const auto& warning : gathered.warnings)
        std::fprintf(stderr, "diatom network: warning: %s\n", warning.c_str());
    const auto machine = gathered.layers.merged();
    const bool revocable = options.has("--confirm-within");
    if (revocable) {
        const auto seconds = TRY(seconds_of(options));
        TRY(uplink::Pending(files(), machine::Unconfirmed()).begin(seconds), "keep what holds now");
    }
    TRY(configure::write_network(machine, {}));
    const auto problems = TRY(configure::reload_network());
    for (const auto& problem : problems) std::fprintf(stderr, "diatom network: %s\n", problem.c_str());
    if (revocable)
        std::puts(
            std::format("Applied, for {} seconds: `diatom network confirm` keeps it; otherwise it goes back, and the "
                        "machine's configuration with it.",
                        options.value("--confirm-within"))
                .c_str());
    return problems.empty() ? 0 : 1;
}

Result<int> confirm(const Arguments&) {
    TRY(configure::confirm_network());
    std::puts("The network stays as it is.");
    return 0;
}

// The program of the service `network`; see src/config/services/20-network.yml.
Result<int> serve(const Arguments&) {
    log::open_sink({.directory = "/run/diatom/log", .unit = "network", .echo = std::nullopt});
    TRY(uplink::serve());
    return 0;
}

// Of a boot that needs the network before its services run.
Result<int> raise(const Arguments&) {
    TRY(uplink::serve({}, uplink::Until::online));
    return 0;
}

struct Subcommand {
    std::string_view name;
    Result<int> (*run)(const Arguments& options);
};
constexpr std::array<Subcommand, 6> kSubcommands{{
    {"status", status},
    {"show", show},
    {"apply", apply},
    {"confirm", confirm},
    {"serve", serve},
    {"raise", raise},
}};

Result<int> run(std::span<char*> args) {
    const auto options = TRY(parse_arguments(args, kOptions));
    if (options.has("--help")) {
        std::fputs(usage(kUsage, kOptions).c_str(), stdout);
        return 0;
    }
    const auto name = options.rest.empty() ? std::string() : options.rest[0];
    const auto found = std::ranges::find(kSubcommands, name, &Subcommand::name);
    if (found == kSubcommands.end() || options.rest.size() != 1) return fail(Kind::invalid, "usage: {}", kUsage);
    return found->run(options);
}

}  // namespace

int network_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("network", code.error());
}

}  // namespace diatom::cli
