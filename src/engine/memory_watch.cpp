// That the kernel kills a process of a container for want of memory is told when it happens, as Docker tells it: the
// container may go on without that process. What comes at its end is found by on_exit.
#include "engine/memory_watch.h"

#include "engine/engine_impl.h"
#include "sys/cgroup.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr const char* kEvents = "memory.events";

std::uint64_t kills_of(const Result<sys::Cgroup::Flat>& events) {
    if (!events) return 0;
    const auto count = events->find("oom_kill");
    return count == events->end() ? 0 : count->second;
}

}  // namespace

std::uint64_t count_memory_kills(const std::string& cgroup) {
    if (cgroup.empty()) return 0;
    const auto group = sys::Cgroup::open(cgroup);
    return group ? kills_of(group->get_flat(kEvents)) : 0;
}

void end_memory_watch(Live& live) {
    boost::system::error_code ignored;
    if (const auto events = std::exchange(live.memory_events, nullptr)) events->close(ignored);
}

void EngineImpl::watch_memory(const LivePtr& live) {
    const auto cgroup = cgroup_of(live->record.id);
    if (cgroup.empty()) return;
    const auto group = sys::Cgroup::open(cgroup);
    auto events = group ? group->open_events(kEvents) : Result<Fd>(Failure(group.error()));
    if (!events) {
        log::warning("a container's want of memory is told at its end only",
                     {{"id", live->record.id}, {"error", events.error().what()}});
        return;
    }
    // Of one that is adopted, what its record says was told of.
    live->memory_kills = live->record.state.oom_killed ? kills_of(sys::Cgroup::read_events(*events)) : 0;
    live->memory_events = std::make_shared<asio::posix::stream_descriptor>(loop_, events->release());
    spawn(follow_memory(live, live->memory_events));
}

asio::awaitable<void> EngineImpl::follow_memory(LivePtr live, std::shared_ptr<asio::posix::stream_descriptor> events) {
    while (live->memory_events == events) {
        const auto kills = kills_of(sys::Cgroup::read_events(FdRef(events->native_handle())));
        if (kills > live->memory_kills) {
            live->memory_kills = kills;
            live->record.state.oom_killed = true;
            if (auto saved = co_await save(live); !saved)
                log::error("a container's want of memory is not saved",
                           {{"id", live->record.id}, {"error", saved.error().what()}});
            events_.container(live->record, "oom");
            continue;
        }
        const auto [error] = co_await events->async_wait(asio::posix::stream_descriptor::wait_error,
                                                         asio::as_tuple(asio::use_awaitable));
        if (error) co_return;
    }
}

}  // namespace diatom::engine
