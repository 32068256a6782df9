#include "oci/destroy.h"

#include <poll.h>
#include <signal.h>

#include "runtime/hooks.h"
#include "sys/cgroup.h"
#include "sys/retry.h"

namespace diatom::oci {
namespace {

constexpr int kEndTimeout = 10'000;  // ms: a process in uninterruptible sleep is not waited for any longer

// It need not be our child: its end shows at the pidfd all the same.
Result<void> await_end(FdRef pidfd) {
    pollfd end{pidfd.raw(), POLLIN, 0};
    if (sys::retry_interrupted([&] { return ::poll(&end, 1, kEndTimeout); }) > 0) return {};
    return fail(Kind::timed_out, "the container's first process was killed and does not end");
}

// What a killed create left behind may name a cgroup that was another container's already.
bool is_ours(const Record& record) { return record.process.pid != 0; }

Result<void> remove_cgroup(const Record& record) {
    const auto& path = record.spec.cgroup;
    if (path.empty()) return {};
    if (!is_ours(record)) {
        std::ignore = sys::Cgroup::remove(path);  // fails as long as processes are in it
        return {};
    }
    if (const auto group = sys::Cgroup::open(path)) TRY(group->kill());
    return sys::Cgroup::remove(path);
}

}  // namespace

Result<void> end_processes(const Record& record) {
    if (!record.spec.cgroup.empty() && is_ours(record)) {
        // Frozen processes do die of cgroup.kill.
        if (const auto group = sys::Cgroup::open(record.spec.cgroup)) TRY(group->kill());
    }
    if (record.process.pid == 0) return {};
    const auto pidfd = sys::open_pidfd(record.process);
    if (!pidfd) return {};
    std::ignore = sys::send_signal(*pidfd, SIGKILL);
    return await_end(*pidfd);
}

Result<void> destroy(const StateDir& dir, const Record& record) {
    TRY(remove_cgroup(record));
    TRY(dir.remove());
    const Json state = runtime::state_document(record.spec, "stopped", 0);
    runtime::run_late_hooks("poststop", record.spec.hooks.poststop, state);
    return {};
}

Result<void> kill_and_destroy(const StateDir& dir, const Record& record) {
    TRY(end_processes(record));
    return destroy(dir, record);
}

}  // namespace diatom::oci
