#include "runtime/attributes.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 7> kPolicies = {{{"SCHED_OTHER", SCHED_NORMAL},
                                                                             {"SCHED_FIFO", SCHED_FIFO},
                                                                             {"SCHED_RR", SCHED_RR},
                                                                             {"SCHED_BATCH", SCHED_BATCH},
                                                                             {"SCHED_ISO", 4},
                                                                             {"SCHED_IDLE", SCHED_IDLE},
                                                                             {"SCHED_DEADLINE", SCHED_DEADLINE}}};
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> kFlags = {
    {{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
     {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
     {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
     {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
     {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
     {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
     {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}}};

template <class Table>
Result<typename Table::value_type::second_type> look_up(const Table& table, const std::string& word) {
    for (const auto& [name, value] : table) {
        if (name == word) return value;
    }
    return fail(Kind::invalid, "process.scheduler: no such word: \"{}\"", word);
}

Result<void> set_scheduler(const Scheduler& wanted) {
    struct sched_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.sched_policy = TRY(look_up(kPolicies, wanted.policy));
    for (const auto& flag : wanted.flags) attributes.sched_flags |= TRY(look_up(kFlags, flag));
    attributes.sched_nice = wanted.nice;
    attributes.sched_priority = static_cast<std::uint32_t>(wanted.priority);
    attributes.sched_runtime = wanted.runtime;
    attributes.sched_deadline = wanted.deadline;
    attributes.sched_period = wanted.period;
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
        return fail_errno(errno, "set scheduling {}", wanted.policy);
    return {};
}

}  // namespace

Result<void> set_priorities(const Process& process) {
    if (process.scheduler) TRY(set_scheduler(*process.scheduler));
    if (!process.io_priority) return {};
    const auto [io_class, priority] = *process.io_priority;
    if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(io_class, priority)) < 0) {
        return fail_errno(errno, "set I/O priority {} of class {}", priority, io_class);
    }
    return {};
}

Result<void> set_personality(const std::string& domain) {
    if (domain.empty()) return {};
    if (::personality(domain == "LINUX32" ? PER_LINUX32 : PER_LINUX) < 0)
        return fail_errno(errno, "set personality {}", domain);
    return {};
}

// Through the host's /proc, which no container can have put anything into. The attribute belongs to the thread.
Result<void> set_apparmor_profile(FdRef host_proc, const std::string& profile) {
    if (profile.empty()) return {};
    const auto set = sys::write_control_at(host_proc, "thread-self/attr/apparmor/exec", "exec " + profile);
    if (set) return {};
    if (set.error().error_number() == ENOENT && sys::open_at(host_proc, "thread-self/attr/apparmor", O_PATH)) {
        return fail(Kind::not_found, "AppArmor has no profile \"{}\": load it first", profile);
    }
    const int error = set.error().error_number();
    if (error == ENOENT || error == EINVAL) {
        return fail(Kind::unsupported, "process.apparmorProfile is \"{}\", and this kernel has no AppArmor: remove it",
                    profile);
    }
    return set;
}

}  // namespace diatom::runtime
