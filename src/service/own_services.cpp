#include "service/own_services.h"

#include <unistd.h>

#include <algorithm>

#include "compose/containers.h"
#include "configure/apply.h"

namespace diatom::service {
namespace {

constexpr int kPatience = 600;  // looks, one a second
constexpr useconds_t kPauseUs = 1'000'000;

const std::vector<std::string> kEnvironment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};

// What ran to its end was there, too.
Result<bool> is_there(const compose::Client& client, const config::SystemService& service, bool healthy) {
    const auto state = compose::inspect_health(client, service.name);
    if (!state && state.error().kind() == Kind::not_found) return false;
    if (!state) return Failure(state.error());
    if (service.oneshot && !state->running) return state->exit_code == 0;
    if (!state->running) return false;
    if (!healthy || !service.health) return true;
    return configure::run_command(service.health->command, kEnvironment).has_value();
}

}  // namespace

OwnWaiter wait_for_own(const compose::Client& client, std::vector<config::SystemService> own) {
    return [&client, own = std::move(own)](const OwnDependency& dependency) -> Result<void> {
        const auto service = std::ranges::find(own, dependency.name, &config::SystemService::name);
        if (service == own.end()) return {};  // disabled: that is what was asked for
        for (int look = 0; look < kPatience; ++look, ::usleep(kPauseUs)) {
            const auto there = is_there(client, *service, dependency.healthy);
            if (there && *there) return {};
            if (!there && there.error().kind() != Kind::unavailable) return Failure(there.error());
        }
        return fail(Kind::io, "{} is not there after {} s", dependency.name, kPatience);
    };
}

}  // namespace diatom::service
