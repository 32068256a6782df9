#include "service/starter.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace diatom::service {
namespace {

using std::chrono::seconds;
constexpr seconds kFirstPause{1}, kLongestPause{60};

bool is_passing(const Error& error) {
    return error.kind() == Kind::unavailable || error.kind() == Kind::timed_out || error.kind() == Kind::exhausted;
}

}  // namespace

std::set<std::string> Starter::wanted() const {
    std::set<std::string> names;
    const auto& services = definitions_.project.services();
    const std::function<void(const std::string&)> add = [&](const std::string& name) {
        if (!services.has(name) || !names.insert(name).second) return;
        for (const auto& [other, how] : services.at(name).at("depends_on").members()) add(other);
    };
    for (const auto& [name, service] : services.members()) {
        if (options_.chosen.empty() || options_.chosen.contains(name)) add(name);
    }
    return names;
}

std::map<std::string, Progress> Starter::run() {
    const auto names = wanted();
    for (const auto& name : names) board_[name] = {};
    {
        std::vector<std::jthread> threads;
        for (const auto& name : names) threads.emplace_back([&, name] { follow(name); });
    }
    return board_;
}

void Starter::move(const std::string& service, Progress progress) {
    {
        const std::lock_guard guard(mutex_);
        board_[service] = std::move(progress);
    }
    changed_.notify_all();
}

void Starter::follow(const std::string& service) {
    auto done = await_needs(service);
    if (done) done = bring_up(service);
    move(service, done ? Progress{Stage::started, ""} : Progress{Stage::failed, done.error().what()});
}

Result<void> Starter::await_needs(const std::string& service) {
    if (const auto traits = definitions_.traits.find(service); options_.own && traits != definitions_.traits.end()) {
        for (const auto& own : traits->second.own) TRY(options_.own(own), "it depends on {}", own.name);
    }
    for (const auto& [name, how] : definitions_.project.services().at(service).at("depends_on").members()) {
        std::unique_lock lock(mutex_);
        const auto other = board_.find(name);
        if (other == board_.end()) continue;
        changed_.wait(lock, [&] { return other->second.stage != Stage::waiting; });
        if (other->second.stage == Stage::failed && how.boolean_of("required", true))
            return fail(Kind::io, "it depends on {}, which failed", name);
    }
    return {};
}

Result<void> Starter::attempt(const std::string& service) {
    const auto found = definitions_.traits.find(service);
    const auto traits = found == definitions_.traits.end() ? Traits{} : found->second;
    auto up = options_.up;
    up.start = up.start && traits.starts_at_once();
    if (traits.rebuild) up.recreate = compose::Recreate::always;
    compose::Runner runner(client_, definitions_.project, [&](auto kind, auto name, auto what) {
        const std::lock_guard guard(saying_);
        if (options_.report) options_.report(kind, name, what);
    });
    return runner.up_alone(service, up);
}

Result<void> Starter::bring_up(const std::string& service) {
    for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
        auto done = attempt(service);
        if (done || !options_.retries || !is_passing(done.error())) return done;
        move(service, {Stage::waiting, done.error().what()});
        {
            const std::lock_guard guard(saying_);
            if (options_.report) options_.report("Service", service, "is tried again: " + done.error().what());
        }
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace diatom::service
