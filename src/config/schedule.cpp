#include "config/schedule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <string>

#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::config {
namespace {

constexpr std::int64_t kMinute = 60, kHour = 3600, kFiveYears = 5 * 366 * 24 * kHour;

struct Field {
    const char* name;
    unsigned least, most;
    std::string_view names;  // of its values, three letters each, from the least on
};
constexpr std::array<Field, 6> kFields{{{"second", 0, 59, ""},
                                        {"minute", 0, 59, ""},
                                        {"hour", 0, 23, ""},
                                        {"day of the month", 1, 31, ""},
                                        {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                        {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

struct Shorthand {
    std::string_view name, fields;
};
constexpr std::array<Shorthand, 7> kShorthands{{{"@yearly", "0 0 0 1 1 *"},
                                                {"@annually", "0 0 0 1 1 *"},
                                                {"@monthly", "0 0 0 1 * *"},
                                                {"@weekly", "0 0 0 * * 0"},
                                                {"@daily", "0 0 0 * * *"},
                                                {"@midnight", "0 0 0 * * *"},
                                                {"@hourly", "0 0 * * * *"}}};

bool is_any(std::string_view text) { return text == "*" || text == "?"; }

Result<unsigned> value_of(const Field& field, std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::size_t i = 0; lower.size() == 3 && i + 3 <= field.names.size(); i += 3) {
        if (field.names.substr(i, 3) == lower) return field.least + static_cast<unsigned>(i / 3);
    }
    const auto number = parse_uint(text);
    if (number && *number >= field.least && *number <= field.most) return static_cast<unsigned>(*number);
    return fail(Kind::invalid, "{} \"{}\": must be {} to {}", field.name, text, field.least, field.most);
}

Result<std::uint64_t> bits_of_range(const Field& field, std::string_view text) {
    const auto step = cut(text, '/');
    const auto range = step ? step->first : text;
    unsigned first = field.least, last = field.most;
    if (const auto ends = cut(range, '-')) {
        first = TRY(value_of(field, ends->first));
        last = TRY(value_of(field, ends->second));
    } else if (!is_any(range)) {
        first = TRY(value_of(field, range));
        if (!step) last = first;
    }
    if (first > last) return fail(Kind::invalid, "{} \"{}\": the range goes backwards", field.name, text);
    const auto width = step ? parse_uint(step->second) : std::optional<std::uint64_t>(1);
    if (!width || *width == 0 || *width > field.most)
        return fail(Kind::invalid, "{} \"{}\": the step must be 1 to {}", field.name, text, field.most);
    std::uint64_t bits = 0;
    for (unsigned value = first; value <= last; value += static_cast<unsigned>(*width)) bits |= 1ULL << value;
    return bits;
}

Result<std::uint64_t> bits_of(const Field& field, std::string_view text) {
    std::uint64_t bits = 0;
    for (const auto part : split(text, ',')) bits |= TRY(bits_of_range(field, part));
    return bits;
}

bool has(std::uint64_t bits, int value) { return ((bits >> static_cast<unsigned>(value)) & 1U) != 0; }

std::tm local(std::int64_t at) {
    const std::time_t time = at;
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return parts;
}

// Midnight of that day; a later moment where a time zone has none, and always behind `at`.
std::int64_t midnight(std::int64_t at, std::tm parts, int month, int day) {
    parts.tm_mon = month;
    parts.tm_mday = day;
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    parts.tm_isdst = -1;
    const std::int64_t found = ::mktime(&parts);
    return found > at ? found : at + kHour;
}

}  // namespace

Result<Schedule> Schedule::parse_fields(std::string_view text) {
    const auto words = split_words(text);
    if (words.size() != 5 && words.size() != 6)
        return fail(Kind::invalid, "{} fields: cron has five, or six with the second before them", words.size());
    Schedule made;
    std::uint64_t* const bits[] = {&made.seconds_, &made.minutes_, &made.hours_,
                                   &made.days_,    &made.months_,  &made.weekdays_};
    const std::size_t skipped = 6 - words.size();
    for (std::size_t i = 0; i < words.size(); ++i) *bits[i + skipped] = TRY(bits_of(kFields[i + skipped], words[i]));
    if (has(made.weekdays_, 7)) made.weekdays_ |= 1;
    made.any_day_ = is_any(words[words.size() - 3]);
    made.any_weekday_ = is_any(words.back());
    return made;
}

Result<Schedule> Schedule::parse(std::string_view text) {
    text = trim(text);
    if (text.starts_with("@every ")) {
        const auto period = sys::parse_duration(trim(text.substr(7)));
        Schedule made;
        made.every_ = period.value_or(0) / 1'000'000'000;
        if (made.every_ >= 1 && made.every_ <= kFiveYears) return made;
        return fail(Kind::invalid, "\"{}\" is no schedule: @every takes a second or more, as in @every 1h30m", text);
    }
    const auto shorthand = std::ranges::find(kShorthands, text, &Shorthand::name);
    if (shorthand == kShorthands.end() && text.starts_with('@'))
        return fail(Kind::invalid, "\"{}\" is no schedule: @yearly, @monthly, @weekly, @daily, @hourly or @every",
                    text);
    return TRY(parse_fields(shorthand == kShorthands.end() ? text : shorthand->fields), "\"{}\" is no schedule", text);
}

bool Schedule::on_day(int day, int month, int weekday) const noexcept {
    if (!has(months_, month)) return false;
    const bool by_day = has(days_, day), by_weekday = has(weekdays_, weekday);
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<std::int64_t> Schedule::next(std::int64_t after) const {
    if (every_ > 0) return after + every_;
    for (std::int64_t at = after + 1; at <= after + kFiveYears;) {
        const auto parts = local(at);
        if (!has(months_, parts.tm_mon + 1)) at = midnight(at, parts, parts.tm_mon + 1, 1);
        else if (!on_day(parts.tm_mday, parts.tm_mon + 1, parts.tm_wday))
            at = midnight(at, parts, parts.tm_mon, parts.tm_mday + 1);
        else if (!has(hours_, parts.tm_hour)) at += kHour - parts.tm_min * kMinute - parts.tm_sec;
        else if (!has(minutes_, parts.tm_min)) at += kMinute - parts.tm_sec;
        else if (!has(seconds_, parts.tm_sec)) ++at;
        else return at;
    }
    return std::nullopt;
}

}  // namespace diatom::config
