// When a service with a timer runs: a line of cron in the machine's local time. Thread side: any.
// Source: crontab(5); RancherOS's label cron.schedule, whose first field is the second.
//
//   second minute hour day-of-month month day-of-week      *  5  1,3  1-5  */10  10-50/5  jan  mon; Sunday is 0 or 7
//   minute hour day-of-month month day-of-week             at second 0
//   @yearly @annually @monthly @weekly @daily @midnight @hourly     @every 1h30m
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace diatom::config {

class Schedule {
public:
    // invalid: says which field.
    static Result<Schedule> parse(std::string_view text);

    // The first time behind `after`; both in seconds since 1970. Nothing: never within the next five years. An hour
    // that is left out when clocks go forward has no times; one that comes twice has them twice.
    std::optional<std::int64_t> next(std::int64_t after) const;

private:
    static Result<Schedule> parse_fields(std::string_view text);
    bool on_day(int day, int month, int weekday) const noexcept;

    std::uint64_t seconds_ = 1, minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;  // bit N: at N
    bool any_day_ = false, any_weekday_ = false;  // both limited: either will do, as cron has it
    std::int64_t every_ = 0;                      // seconds; in place of all of these
};

}  // namespace diatom::config
