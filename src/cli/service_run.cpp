// `diatom service run`: the service `services`, which brings up what the configuration defines, and stays where there
// are timers. One thread for each engine while services start.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "cli/choose.h"
#include "cli/service_parts.h"
#include "configure/apply.h"
#include "service/own_services.h"
#include "service/preload.h"
#include "service/starter.h"
#include "service/timers.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using service::Scope;

constexpr int kEnginePatience = 600;        // looks, one a second
constexpr std::int64_t kStartingPause = 2;  // seconds between looks for timers while services start

void say(const std::string& line) {
    static std::mutex mutex;
    const std::lock_guard guard(mutex);
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

void report(std::string_view kind, std::string_view name, std::string_view what) {
    say(std::format("{} {}: {}", kind, name, what));
}

bool await_engine(const compose::Client& engine) {
    for (int look = 0; look < kEnginePatience; ++look, ::sleep(1)) {
        if (engine.get("/version")) return true;
    }
    return false;
}

// What `diatom service list` tells of services that did not start.
void write_progress(Scope scope, const std::map<std::string, service::Progress>& board) {
    Json written = Json::object();
    for (const auto& [name, progress] : board) {
        if (progress.stage == service::Stage::failed) written[name] = progress.why;
    }
    const auto file = std::format("/run/diatom/services/{}.json", service::project_name(scope));
    if (auto done = sys::write_file(file, dump_json(written)); !done) say(done.error().what());
}

// A service that changes the configuration when it runs is to be heard.
void reload_configuration(const compose::Client& engine, const service::Definitions& definitions,
                          const std::map<std::string, service::Progress>& board) {
    for (const auto& [name, traits] : definitions.traits) {
        const auto progress = board.find(name);
        const bool runs = progress != board.end() && progress->second.stage == service::Stage::started;
        if (!traits.reloads_config || !runs) continue;
        const auto ended = engine.call("POST", "/containers/" + compose::percent_encode(name) + "/wait");
        auto applied = ended
                           ? configure::run_command({"/usr/bin/diatom", "config", "apply"}, {"PATH=/usr/sbin:/usr/bin"})
                           : Result<void>(Failure(ended.error()));
        say(applied ? std::format("{} has ended: the configuration is applied anew", name)
                    : std::format("{}: the configuration is not applied anew: {}", name, applied.error().what()));
    }
}

void bring_up(Scope scope, Services& services) {
    const auto engine = engine_of(scope);
    const auto& definitions = services.of(scope);
    if (!await_engine(engine)) return say(std::format("{} does not answer", service::engine_socket(scope)));
    service::preload(engine, std::format("{}/{}", config::kPreload, service::engine_name(scope)), say);
    compose::Runner shared(engine, definitions.project, report);
    if (auto done = shared.prepare_shared(compose::Orphans::remove); !done) say(done.error().what());
    if (definitions.traits.empty()) return;
    if (auto made = sys::make_dirs(config::kServicesState, 0700); !made) say(made.error().what());
    const auto system = engine_of(Scope::system);
    service::Starter starter(engine, definitions,
                             {.own = service::wait_for_own(system, services.own), .report = report});
    const auto board = starter.run();
    for (const auto& [name, progress] : board) {
        if (progress.stage == service::Stage::failed) say(std::format("service {} failed: {}", name, progress.why));
    }
    write_progress(scope, board);
    reload_configuration(engine, definitions, board);
}

}  // namespace

Result<int> run_services() {
    auto services = TRY(read_services(Look::as_written));
    std::atomic<int> coming = 2;  // engines whose services are being brought up
    const std::jthread user([&] {
        bring_up(Scope::user, services);
        --coming;
    });
    const std::jthread system([&] {
        bring_up(Scope::system, services);
        if (services.system.traits.contains(config::kImageConsole)) {
            if (auto done = take_the_place("console", config::kImageConsole, Handover::start_first); !done)
                say(std::format("the machine keeps its own console: {}", done.error().what()));
        }
        --coming;
    });
    // Timers run whether or not a registry answers.
    service::Timers timers({engine_of(Scope::system), engine_of(Scope::user)}, say);
    for (;;) {
        const auto pause = timers.look(sys::wall_ns() / 1'000'000'000);
        if (coming == 0 && timers.empty()) break;
        ::sleep(static_cast<unsigned>(coming > 0 ? std::min(pause, kStartingPause) : pause));
    }
    const bool is_over = services.system.traits.empty() && services.user.traits.empty();
    if (is_over) std::ignore = sys::remove_tree(config::kServicesState);
    return 0;
}

}  // namespace diatom::cli
