// Descriptors that outlive their owner: a container's stdio pipes and terminals, parked by its engine.
// Thread side: PID 1's loop. A parked pipe whose other end has closed stays, since a reader still needs the rest of it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::init {

class FdStore {
public:
    static constexpr std::size_t kMaxName = 255;  // bytes, as sd_notify has it
    explicit FdStore(std::size_t capacity = 4096) : capacity_(capacity) {}

    // A name parked twice keeps the later descriptor. exhausted when full, invalid for a name that is empty, too long
    // or not printable ASCII without ':'.
    Result<void> park(const std::string& name, Fd fd);
    std::size_t forget(std::string_view prefix);  // how many were dropped

    struct Entry {
        std::string name;
        FdRef fd;
    };
    // In name order, those behind `after`, at most `limit`.
    std::vector<Entry> list(std::string_view prefix, const std::string& after, std::size_t limit) const;
    std::size_t size() const noexcept { return entries_.size(); }

private:
    std::map<std::string, Fd> entries_;
    std::size_t capacity_;
};

}  // namespace diatom::init
