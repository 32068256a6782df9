// When systemd's timers run, as a schedule of cron with seconds. Source: systemd.time(7), "Parsing time spans" and
// "Calendar events", version 257; the schedule: six fields (second, minute, hour, day of month, month, day of week with
// Sunday 0), or "@every 90s", as RancherOS's label cron.schedule takes it. Thread side: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::ignition {

// "1h 30min", "90" in seconds; INT64_MAX for infinity. Parts of a second are cut off.
std::optional<std::int64_t> parse_time_span(std::string_view text);

// unsupported: what cron cannot say (years, the last day of a month, time zones, a weekday and a day of the month).
Result<std::string> calendar_to_cron(std::string_view text);

}  // namespace diatom::ignition
