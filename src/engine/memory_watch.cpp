// That the kernel kills a process of a container for want of memory is told when it happens, as Docker tells it: the
// container may go on without that process. What comes at its end is found by on_exit.
#include "engine/memory_watch.h"

#include <sys/inotify.h>

#include <cstring>

#include "engine/engine_impl.h"
#include "sys/cgroup.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr const char* kEvents = "memory.events";

}  // namespace

std::uint64_t count_memory_kills(const std::string& cgroup) {
    if (cgroup.empty()) return 0;
    const auto group = sys::Cgroup::open(cgroup);
    const auto events = group ? group->get_flat(kEvents) : Result<sys::Cgroup::Flat>(Failure(group.error()));
    if (!events) return 0;
    const auto count = events->find("oom_kill");
    return count == events->end() ? 0 : count->second;
}

Result<void> MemoryWatch::open() {
    Fd notices(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!notices) return fail_errno(errno, "watch control groups by inotify");
    notices_.emplace(loop_, notices.release());
    follow();
    return {};
}

Result<void> MemoryWatch::add(const std::string& id, const std::string& cgroup) {
    if (!notices_) TRY(open());
    const auto path = std::format("{}/{}/{}", TRY(sys::Cgroup::mount_point()), cgroup, kEvents);
    const int watch = ::inotify_add_watch(notices_->native_handle(), path.c_str(), IN_MODIFY);
    if (watch < 0) return fail_errno(errno, "watch {} (see fs.inotify.max_user_watches)", path);
    ids_[watch] = id;
    watches_[id] = watch;
    return {};
}

void MemoryWatch::remove(const std::string& id) {
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    std::ignore = ::inotify_rm_watch(notices_->native_handle(), found->second);
    ids_.erase(found->second);
    watches_.erase(found);
}

void MemoryWatch::follow() {
    notices_->async_read_some(boost::asio::buffer(buffer_), [this](const auto& error, std::size_t bytes) {
        if (error) return;  // the engine is gone, and this object with it
        tell(bytes);
        follow();
    });
}

void MemoryWatch::tell(std::size_t bytes) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
        inotify_event event{};
        std::memcpy(&event, buffer_.data() + at, sizeof event);
        at += sizeof event + event.len;
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            for (const auto& [watch, id] : ids_) changed_(id);
        } else if (const auto found = ids_.find(event.wd); found != ids_.end() && (event.mask & IN_MODIFY) != 0) {
            changed_(found->second);
        }
    }
}

void EngineImpl::watch_memory(const LivePtr& live) {
    const auto cgroup = cgroup_of(live->record.id);
    if (cgroup.empty()) return;
    if (auto added = memory_watch_.add(live->record.id, cgroup); !added) {
        log::warning("a container's want of memory is told at its end only",
                     {{"id", live->record.id}, {"error", added.error().what()}});
    }
}

// What its record says was told of by the engine before.
void EngineImpl::adopt_memory(const LivePtr& live) {
    if (live->record.state.oom_killed) live->memory_kills = count_memory_kills(cgroup_of(live->record.id));
    else spawn(memory_changed(live));
}

asio::awaitable<void> EngineImpl::memory_changed(LivePtr live) {
    const auto process = live->record.state.process;
    std::uint64_t kills = 0;
    std::ignore = co_await on_pool([&]() -> Result<void> {
        kills = count_memory_kills(cgroup_of(live->record.id));
        return {};
    });
    if (kills <= live->memory_kills || live->ending || live->record.state.process != process) co_return;
    live->memory_kills = kills;
    live->record.state.oom_killed = true;
    if (auto saved = co_await save(live); !saved)
        log::error("a container's want of memory is not saved",
                   {{"id", live->record.id}, {"error", saved.error().what()}});
    events_.container(live->record, "oom");
}

}  // namespace diatom::engine
