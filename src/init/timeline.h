// The boot as points in time. Thread side: PID 1's loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace diatom::init {

struct Mark {
    std::string name;
    std::int64_t at_us = 0;  // since the kernel started
};

class Timeline {
public:
    static constexpr std::size_t kMaxMarks = 256, kMaxName = 64;
    // The first mark of a name counts: a restarted engine does not rewrite the boot. False when it is not taken.
    bool mark(std::string_view name, std::int64_t at_us);
    const std::vector<Mark>& marks() const noexcept { return marks_; }

private:
    std::vector<Mark> marks_;
};

}  // namespace diatom::init
