#include <cstdint>
#include <cstdlib>

#include "config/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::int64_t kNow = 1'795'000'000;
    const auto schedule = diatom::config::Schedule::parse({reinterpret_cast<const char*>(data), size});
    if (!schedule) {
        if (schedule.error().what().empty()) std::abort();
        return 0;
    }
    const auto next = schedule->next(kNow);
    if (next && *next <= kNow) std::abort();
    return 0;
}
