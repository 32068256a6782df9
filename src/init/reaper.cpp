#include "init/reaper.h"

#include <sys/wait.h>

namespace diatom::init {

void reap_children(const std::function<void(const sys::ProcessId&, const sys::ExitStatus&)>& ended) {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
        const auto start = sys::start_time(info.si_pid);
        const sys::ProcessId process{info.si_pid, start.value_or(0)};
        sys::ExitStatus status;
        if (info.si_code == CLD_EXITED) status.code = info.si_status;
        else status.signal = info.si_status;
        status.core_dumped = info.si_code == CLD_DUMPED;
        siginfo_t reaped{};
        if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &reaped, WEXITED | WNOHANG) < 0) return;
        ended(process, status);
    }
}

}  // namespace diatom::init
