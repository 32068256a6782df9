// What is done to containers that exist: looked at, signalled, frozen, removed.
#include <signal.h>

#include <algorithm>

#include "oci/destroy.h"
#include "oci/lifecycle.h"
#include "oci/state_dir.h"
#include "sys/cgroup.h"
#include "sys/process.h"

namespace diatom::oci {
namespace {

bool has_own_pids(const runtime::Spec& spec) {
    return std::ranges::contains(spec.namespaces, runtime::NamespaceKind::pid, &runtime::Namespace::kind);
}

Result<sys::Cgroup> cgroup_of(const Record& record, std::string_view what) {
    if (record.spec.cgroup.empty()) {
        return fail(Kind::unsupported,
                    "{} needs a cgroup, and container \"{}\" was created without (--cgroup-manager disabled)", what,
                    record.spec.id);
    }
    return sys::Cgroup::open(record.spec.cgroup);
}

Result<void> freeze(const Place& place, const std::string& id, bool frozen) {
    const auto dir = TRY(StateDir::open(place.root, id, Lock::exclusive));
    const auto record = TRY(dir.read());
    const auto status = TRY(current_status(dir, record));
    const bool may = frozen ? status == Status::running || status == Status::created : status == Status::paused;
    if (!may) {
        return fail(Kind::conflict, "cannot {} container \"{}\": it is {}", frozen ? "pause" : "resume", id,
                    to_string(status));
    }
    return TRY(cgroup_of(record, frozen ? "pause" : "resume")).freeze(frozen);
}

Result<void> signal_all(const Record& record, int signal) {
    const auto group = TRY(cgroup_of(record, "kill --all"));
    if (signal == SIGKILL) return group.kill();
    for (const int pid : TRY(group.pids())) {
        if (const auto pidfd = sys::open_pidfd(pid)) std::ignore = sys::send_signal(*pidfd, signal);
    }
    return {};
}

}  // namespace

Result<Found> inspect(const Place& place, const std::string& id) {
    const auto dir = TRY(StateDir::open(place.root, id, Lock::none));
    Found found{.record = TRY(dir.read())};
    found.status = TRY(current_status(dir, found.record));
    return found;
}

Result<std::vector<Found>> list(const Place& place) {
    std::vector<Found> all;
    for (const auto& id : TRY(StateDir::list(place.root))) {
        auto found = inspect(place, id);
        if (!found && found.error().kind() == Kind::not_found) continue;  // removed meanwhile
        all.push_back(TRY(std::move(found), "container \"{}\"", id));
    }
    return all;
}

// Without the lock: a start whose hook hangs must be possible to end.
Result<void> kill(const Place& place, const std::string& id, int signal, KillScope scope) {
    const auto found = TRY(inspect(place, id));
    const auto& record = found.record;
    const bool alive = found.status != Status::stopped && found.status != Status::creating;
    if (scope == KillScope::all && !record.spec.cgroup.empty()) return signal_all(record, signal);
    if (!alive) return fail(Kind::conflict, "container not running: \"{}\" is {}", id, to_string(found.status));
    if (scope == KillScope::all) return signal_all(record, signal);
    const auto pidfd = TRY(sys::open_pidfd(record.process), "container not running");
    TRY(sys::send_signal(pidfd, signal), "container \"{}\"", id);
    // Without a PID namespace of its own the others would live on after its first process.
    if (signal == SIGKILL && !has_own_pids(record.spec) && !record.spec.cgroup.empty())
        return signal_all(record, signal);
    return {};
}

Result<void> remove(const Place& place, const std::string& id, Removal removal) {
    const bool forced = removal == Removal::forced;
    auto dir = StateDir::open(place.root, id, Lock::none);
    if (!dir && forced && dir.error().kind() == Kind::not_found) return {};
    if (!dir) return forward_error(std::move(dir));
    // Before the lock, which a start may hold until its container has ended.
    if (forced) TRY(end_processes(TRY(dir->read())));
    const auto locked = TRY(StateDir::open(place.root, id, Lock::exclusive));
    const auto record = TRY(locked.read());
    if (forced) return kill_and_destroy(locked, record);
    if (const auto status = TRY(current_status(locked, record)); status != Status::stopped && record.process.pid != 0) {
        return fail(Kind::conflict,
                    "cannot delete container \"{}\" that is not stopped: it is {}; kill it first, or use --force", id,
                    to_string(status));
    }
    return destroy(locked, record);
}

Result<void> remove(const RunContainer& container) {
    if (!TRY(container.dir.lock_again())) return {};
    return kill_and_destroy(container.dir, container.record);
}

Result<void> pause(const Place& place, const std::string& id) { return freeze(place, id, true); }
Result<void> resume(const Place& place, const std::string& id) { return freeze(place, id, false); }

}  // namespace diatom::oci
