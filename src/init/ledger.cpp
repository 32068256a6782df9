#include "init/ledger.h"

namespace diatom::init {

void ExitLedger::record(const sys::ProcessId& process, const sys::ExitStatus& status) noexcept {
    if (entries_.empty()) return;
    entries_[recorded_ % entries_.size()] = {process, status};
    ++recorded_;
}

std::optional<sys::ExitStatus> ExitLedger::find(const sys::ProcessId& process) const noexcept {
    if (process.pid <= 0) return std::nullopt;
    for (const auto& entry : entries_) {
        if (entry.process == process) return entry.status;
    }
    return std::nullopt;
}

}  // namespace diatom::init
