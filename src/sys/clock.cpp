#include "sys/clock.h"

#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <format>

#include "base/strings.h"

namespace diatom::sys {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now(clockid_t clock) noexcept {
    timespec time{};
    ::clock_gettime(clock, &time);
    return time.tv_sec * kSecond + time.tv_nsec;
}

std::optional<std::int64_t> to_ns(std::int64_t seconds, std::int64_t nanoseconds) noexcept {
    std::int64_t total = 0;
    if (__builtin_mul_overflow(seconds, kSecond, &total) || __builtin_add_overflow(total, nanoseconds, &total)) {
        return std::nullopt;
    }
    return total;
}

// Takes `width` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t width) noexcept {
    if (text.size() < width) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(0, width)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(width);
    return value;
}

bool take(std::string_view& text, char c) noexcept {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

// The digits after a point as nanoseconds; those beyond the ninth do not count.
std::optional<std::int64_t> take_fraction(std::string_view& text) noexcept {
    std::int64_t value = 0;
    std::int64_t unit = kSecond / 10;
    std::size_t digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        value += (text.front() - '0') * unit;
        unit /= 10;
        text.remove_prefix(1);
        ++digits;
    }
    if (digits == 0) return std::nullopt;
    return value;
}

// "2026-11-23" as seconds since 1970.
std::optional<std::int64_t> take_date(std::string_view& text) noexcept {
    using namespace std::chrono;
    const auto y = take_digits(text, 4);
    if (!y || !take(text, '-')) return std::nullopt;
    const auto m = take_digits(text, 2);
    if (!m || !take(text, '-')) return std::nullopt;
    const auto d = take_digits(text, 2);
    if (!d) return std::nullopt;
    const year_month_day date(year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d)));
    if (!date.ok()) return std::nullopt;
    return sys_days(date).time_since_epoch().count() * std::int64_t{86400};
}

// "10:56:26" as seconds; 60 is a leap second.
std::optional<std::int64_t> take_time(std::string_view& text) noexcept {
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
    const auto second = take_digits(text, 2);
    if (!second || *second > 60) return std::nullopt;
    return *hour * 3600 + *minute * 60 + *second;
}

// "Z" or "+01:00" as the seconds that local time is ahead.
std::optional<std::int64_t> take_zone(std::string_view& text) noexcept {
    if (take(text, 'Z') || take(text, 'z')) return 0;
    const bool ahead = text.starts_with('+');
    if (!ahead && !text.starts_with('-')) return std::nullopt;
    text.remove_prefix(1);
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    const std::int64_t seconds = *hour * 3600 + *minute * 60;
    return ahead ? seconds : -seconds;
}

enum class Zone { needed, optional };

std::optional<std::int64_t> parse_date_time(std::string_view text, Zone zone) noexcept {
    const auto date = take_date(text);
    if (!date) return std::nullopt;
    if (text.empty() && zone == Zone::optional) return to_ns(*date, 0);
    if (!take(text, 'T') && !take(text, 't')) return std::nullopt;
    const auto time = take_time(text);
    if (!time) return std::nullopt;
    std::int64_t nanoseconds = 0;
    if (take(text, '.')) {
        const auto fraction = take_fraction(text);
        if (!fraction) return std::nullopt;
        nanoseconds = *fraction;
    }
    if (text.empty() && zone == Zone::optional) return to_ns(*date + *time, nanoseconds);
    const auto offset = take_zone(text);
    if (!offset || !text.empty()) return std::nullopt;
    return to_ns(*date + *time - *offset, nanoseconds);
}

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr std::array kUnits{
    Unit{"ns", 1},         Unit{"us", 1000},   Unit{"µs", 1000},        Unit{"μs", 1000},
    Unit{"ms", 1'000'000}, Unit{"s", kSecond}, Unit{"m", 60 * kSecond}, Unit{"h", 3600 * kSecond},
};

// "1.5h" off the front, in nanoseconds.
std::optional<std::int64_t> take_term(std::string_view& text) noexcept {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto whole = digits == 0 ? 0 : parse_int(text.substr(0, digits));
    if (!whole) return std::nullopt;
    text.remove_prefix(digits);
    std::int64_t fraction = 0;
    if (take(text, '.')) {
        const bool more = !text.empty() && text.front() >= '0' && text.front() <= '9';
        if (!more && digits == 0) return std::nullopt;
        if (more) fraction = *take_fraction(text);
    } else if (digits == 0) {
        return std::nullopt;
    }
    const auto length = std::min(text.find_first_of("0123456789.+-"), text.size());
    for (const auto& unit : kUnits) {
        if (text.substr(0, length) != unit.name) continue;
        text.remove_prefix(length);
        std::int64_t total = 0;
        if (__builtin_mul_overflow(*whole, unit.ns, &total)) return std::nullopt;
        const auto part = static_cast<std::int64_t>(static_cast<__int128>(fraction) * unit.ns / kSecond);
        if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
        return total;
    }
    return std::nullopt;
}

// "1699999999.123456789"
std::optional<std::int64_t> parse_unix_time(std::string_view text) noexcept {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto seconds = parse_int(text.substr(0, digits));
    if (!seconds) return std::nullopt;
    text.remove_prefix(digits);
    if (text.empty()) return to_ns(*seconds, 0);
    if (!take(text, '.')) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction || !text.empty()) return std::nullopt;
    return to_ns(*seconds, *fraction);
}

}  // namespace

std::int64_t wall_ns() noexcept { return now(CLOCK_REALTIME); }
std::int64_t monotonic_ns() noexcept { return now(CLOCK_MONOTONIC); }
std::int64_t boot_ns() noexcept { return now(CLOCK_BOOTTIME); }

std::string format_rfc3339(std::int64_t wall_ns) {
    using namespace std::chrono;
    // By integers: the midnight before the earliest times is out of range in nanoseconds.
    constexpr std::int64_t kDay = 86400 * kSecond;
    auto [day, rest] = std::lldiv(wall_ns, kDay);
    if (rest < 0) {
        --day;
        rest += kDay;
    }
    const year_month_day date{sys_days{days{day}}};
    const hh_mm_ss clock{nanoseconds(rest)};
    return std::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
    return parse_date_time(text, Zone::needed);
}

std::optional<std::int64_t> parse_time_argument(std::string_view text) noexcept {
    if (const auto time = parse_unix_time(text)) return time;
    if (const auto time = parse_date_time(text, Zone::optional)) return time;
    const auto ago = parse_duration(text);
    if (!ago) return std::nullopt;
    std::int64_t time = 0;
    if (__builtin_sub_overflow(wall_ns(), *ago, &time)) return std::nullopt;
    return time;
}

std::optional<std::int64_t> parse_duration(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return 0;
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto term = take_term(text);
        if (!term || __builtin_add_overflow(total, *term, &total)) return std::nullopt;
    }
    return negative ? -total : total;
}

}  // namespace diatom::sys
