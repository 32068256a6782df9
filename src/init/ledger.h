// The exit ledger: how processes ended that PID 1 reaped, so that an engine which was away learns the exit codes of its
// containers. Thread side: PID 1's loop. All memory is taken at construction: recording cannot fail.
#pragma once

#include <optional>
#include <vector>

#include "sys/process.h"

namespace diatom::init {

class ExitLedger {
public:
    // Beyond `capacity` entries the oldest are forgotten.
    explicit ExitLedger(std::size_t capacity = 4096) : entries_(capacity) {}

    void record(const sys::ProcessId& process, const sys::ExitStatus& status) noexcept;
    std::optional<sys::ExitStatus> find(const sys::ProcessId& process) const noexcept;
    std::uint64_t recorded() const noexcept { return recorded_; }  // in all

private:
    struct Entry {
        sys::ProcessId process;
        sys::ExitStatus status;
    };
    std::vector<Entry> entries_;  // a ring; recorded_ % size is the next
    std::uint64_t recorded_ = 0;
};

}  // namespace diatom::init
