#include "service/timers.h"

#include <algorithm>
#include <format>
#include <limits>

#include "compose/containers.h"
#include "config/services.h"

namespace diatom::service {
namespace {

constexpr std::int64_t kLongestSleep = 60, kLongestJump = 3600;  // seconds

std::string name_of(const Json& container) {
    const auto names = json_strings(container, "Names").value_or(std::vector<std::string>());
    return names.empty() ? std::string() : names.front().substr(1);
}

}  // namespace

void Timers::find(std::size_t engine, std::int64_t now) {
    const auto query = compose::filters({{"label", std::string(config::kScheduleLabel)}});
    const auto listed = engines_[engine].get("/containers/json?all=1&" + query);
    if (!listed) {  // it is being started anew: what was known stays
        for (auto& [key, timer] : timers_) timer.seen |= key.first == engine;
        return;
    }
    for (const auto& container : *listed) {
        const auto schedule = json_string(json_member(container, "Labels"), config::kScheduleLabel).value_or("");
        const std::pair key{engine, name_of(container)};
        auto known = timers_.find(key);
        if (known != timers_.end() && known->second.schedule == schedule) {
            known->second.seen = true;
            continue;
        }
        const auto when = config::Schedule::parse(schedule);
        if (!when) {
            if (bad_.insert({key.second, schedule}).second)
                say_(std::format("{} is not started by its label: {}", key.second, when.error().what()));
            continue;
        }
        const auto due = when->next(now).value_or(std::numeric_limits<std::int64_t>::max());
        timers_.insert_or_assign(key, Timer{.schedule = schedule, .when = *when, .due = due, .seen = true});
    }
}

void Timers::start(std::size_t engine, const std::string& name) {
    const auto state = compose::inspect_health(engines_[engine], name);
    if (state && state->running) return say_(std::format("{} still runs, and is not started again", name));
    auto started = engines_[engine].call("POST", "/containers/" + compose::percent_encode(name) + "/start");
    say_(started ? std::format("{} is started by its schedule", name)
                 : std::format("{} could not be started: {}", name, started.error().what()));
}

std::int64_t Timers::look(std::int64_t now) {
    for (auto& [key, timer] : timers_) timer.seen = false;
    for (std::size_t engine = 0; engine < engines_.size(); ++engine) find(engine, now);
    std::erase_if(timers_, [](const auto& entry) { return !entry.second.seen; });
    auto next = now + kLongestSleep;
    for (auto& [key, timer] : timers_) {
        const bool is_due = timer.due <= now;
        // A clock that was set by hours says nothing of what was missed; one that was set back would keep it waiting.
        const bool jumped = now - last_ > kLongestJump || now < last_;
        if (is_due && !(jumped && last_ != 0)) start(key.first, key.second);
        if (is_due || (jumped && last_ != 0))
            timer.due = timer.when.next(now).value_or(std::numeric_limits<std::int64_t>::max());
        next = std::min(next, timer.due);
    }
    last_ = now;
    return std::max<std::int64_t>(next - now, 1);
}

}  // namespace diatom::service
