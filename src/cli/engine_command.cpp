#include "cli/choose.h"
#include "cli/command.h"

#ifdef DIATOM_ENGINE

#include <malloc.h>

#include <cstdlib>
#include <string>

#include "api/server.h"
#include "config/boot_config.h"
#include "config/engine_config.h"
#include "config/services.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::cli {
namespace {

constexpr const char* kState = "/var/lib/diatom";

Result<engine::Scope> parse_scope(std::span<char*> args) {
    if (args.size() == 3 && std::string_view(args[1]) == "--scope") {
        if (std::string_view(args[2]) == "system") return engine::Scope::system;
        if (std::string_view(args[2]) == "user") return engine::Scope::user;
    }
    return fail(Kind::invalid, "usage: diatom engine --scope system|user");
}

// Paths, sockets and names of the machine's two engines.
api::ServeOptions options_of(engine::Scope scope) {
    const bool system = scope == engine::Scope::system;
    const std::string name = system ? "system" : "user";
    api::ServeOptions options;
    options.engine.scope = scope;
    options.engine.root = std::string(kState) + "/" + name;
    options.engine.run = "/run/diatom/" + name;
    options.engine.cgroup = "diatom/" + name;
    if (system) {
        options.engine.system_services = "/usr/share/diatom/services";
        options.engine.configured_services = config::kConfiguredServices;
        options.unix_sockets = {"/run/diatom/system.sock", "/run/system-docker.sock"};
    } else {
        options.engine.table = "diatom";
        options.unix_sockets = {"/run/docker.sock"};  // /var/run is a link to /run
    }
    return options;
}

void configure(api::ServeOptions& options) {
    const auto boot = config::read_boot_config();
    std::vector<std::string> warnings;
    auto config = config::load_engine_config(
        sys::exists(config::kRenderedEngineConfig) ? config::kRenderedEngineConfig : config::kEngineConfigFile, boot,
        warnings);
    for (const auto& warning : warnings) log::warning("configuration", {{"warning", warning}});
    config::complete_proxies(config.proxies, [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    });
    auto& engine = options.engine;
    engine.mirrors = config.mirrors;
    engine.insecure_registries = config.insecure_registries;
    for (const auto& [host, auth] : config.registry_auths)
        engine.registry_credentials[host] = {auth.username, auth.password, auth.identity_token, {}};
    engine.registry_certificates = config::kRegistryCertificates;
    engine.http_proxy = config.proxies.http;
    engine.https_proxy = config.proxies.https;
    engine.no_proxy = config.proxies.none;
    if (options.engine.scope == engine::Scope::system) return;
    auto tls = config::find_tls_files(config, kState);
    if (!tls) log::error("the API is not reachable over TLS", tls.error());
    else if (*tls)
        options.tls =
            api::TlsListener{(*tls)->at.address, (*tls)->at.port, (*tls)->ca, (*tls)->certificate, (*tls)->key};
}

// glibc gives each thread a heap of its own and lets the blocks that it maps singly grow to 32 MiB: an engine's dozen
// of workers then keep what any of them once needed. One heap, from which what is large goes back at once (mallopt(3)).
void keep_memory_small() {
    constexpr int kLarge = 128 * 1024;  // bytes
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, kLarge);
    ::mallopt(M_TRIM_THRESHOLD, kLarge);
}

Result<void> run(std::span<char*> args) {
    keep_memory_small();
    auto options = options_of(TRY(parse_scope(args)));
    const bool system = options.engine.scope == engine::Scope::system;
    // The system engine's standard error is the machine's console; the user engine's is its container's log, where
    // `diatom logs` would find each warning a second time.
    log::open_sink({.directory = "/run/diatom/log",
                    .unit = system ? "system-engine" : "user-engine",
                    .echo = system ? std::optional(log::Level::warning) : std::nullopt,
                    .least = config::read_boot_config().log_level});
    configure(options);
    return api::serve(options);
}

}  // namespace

int engine_command(std::span<char*> args) {
    if (args.size() > 1 && !std::string_view(args[1]).starts_with("--scope")) {
        const auto code = choose_engine(args);
        return code ? *code : report("engine", code.error());
    }
    auto ran = run(args);
    if (ran) return 0;
    log::error("the engine ended", ran.error());
    return report("engine", ran.error());
}

}  // namespace diatom::cli

#else

namespace diatom::cli {

int engine_command(std::span<char*>) {
    return report("engine", Error(Kind::unsupported, "this build has no engine (DIATOM_ENGINE is off)"));
}

}  // namespace diatom::cli

#endif
