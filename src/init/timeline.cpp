#include "init/timeline.h"

#include <algorithm>

namespace diatom::init {

bool Timeline::mark(std::string_view name, std::int64_t at_us) {
    if (name.empty() || name.size() > kMaxName || marks_.size() >= kMaxMarks) return false;
    if (std::ranges::contains(marks_, name, [](const Mark& m) { return std::string_view(m.name); })) return false;
    marks_.push_back({std::string(name), at_us});
    return true;
}

}  // namespace diatom::init
