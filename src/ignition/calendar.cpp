#include "ignition/calendar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/strings.h"

namespace diatom::ignition {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t microseconds;
};
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::array kUnits{
    Unit{"us", 1},
    Unit{"usec", 1},
    Unit{"ms", 1000},
    Unit{"msec", 1000},
    Unit{"", kSecond},
    Unit{"s", kSecond},
    Unit{"sec", kSecond},
    Unit{"second", kSecond},
    Unit{"seconds", kSecond},
    Unit{"m", 60 * kSecond},
    Unit{"min", 60 * kSecond},
    Unit{"minute", 60 * kSecond},
    Unit{"minutes", 60 * kSecond},
    Unit{"h", 3600 * kSecond},
    Unit{"hr", 3600 * kSecond},
    Unit{"hour", 3600 * kSecond},
    Unit{"hours", 3600 * kSecond},
    Unit{"d", 86400 * kSecond},
    Unit{"day", 86400 * kSecond},
    Unit{"days", 86400 * kSecond},
    Unit{"w", 604800 * kSecond},
    Unit{"week", 604800 * kSecond},
    Unit{"weeks", 604800 * kSecond},
    Unit{"M", 2'629'800 * kSecond},
    Unit{"month", 2'629'800 * kSecond},
    Unit{"months", 2'629'800 * kSecond},
    Unit{"y", 31'557'600 * kSecond},
    Unit{"year", 31'557'600 * kSecond},
    Unit{"years", 31'557'600 * kSecond},
};

struct Shorthand {
    std::string_view name, cron;
};
constexpr std::array kShorthands{
    Shorthand{"minutely", "0 * * * * *"},       Shorthand{"hourly", "0 0 * * * *"},
    Shorthand{"daily", "0 0 0 * * *"},          Shorthand{"weekly", "0 0 0 * * 1"},
    Shorthand{"monthly", "0 0 0 1 * *"},        Shorthand{"quarterly", "0 0 0 1 1,4,7,10 *"},
    Shorthand{"semiannually", "0 0 0 1 1,7 *"}, Shorthand{"semi-annually", "0 0 0 1 1,7 *"},
    Shorthand{"biannually", "0 0 0 1 1,7 *"},   Shorthand{"bi-annually", "0 0 0 1 1,7 *"},
    Shorthand{"yearly", "0 0 0 1 1 *"},         Shorthand{"annually", "0 0 0 1 1 *"},
};

Failure not_a_time() { return fail(Kind::invalid, "is no calendar event"); }

Result<int> number(std::string_view text, int least, int most) {
    const auto value = parse_uint(text);
    if (!value || *value < static_cast<unsigned>(least) || *value > static_cast<unsigned>(most)) return not_a_time();
    return static_cast<int>(*value);
}

// "*", "5", "1..5", "*/15", "0/10", and lists of them.
Result<std::string> field(std::string_view text, int least, int most) {
    if (text.contains('~')) return fail(Kind::unsupported, "days before the end of a month are not known to cron");
    if (text.contains('.') && !text.contains("..")) {
        return fail(Kind::unsupported, "parts of a second are not known to cron");
    }
    std::string cron;
    for (const auto part : split(text, ',')) {
        const auto step = cut(part, '/');
        const auto from = step ? step->first : part;
        if (!cron.empty()) cron += ',';
        if (const auto dots = from.find(".."); dots != std::string_view::npos) {
            const int first = TRY(number(from.substr(0, dots), least, most));
            const int last = TRY(number(from.substr(dots + 2), least, most));
            if (first > last) return not_a_time();
            cron += std::format("{}-{}", first, last);
        } else if (from == "*") {
            cron += '*';
        } else {
            cron += std::to_string(TRY(number(from, least, most)));
        }
        if (step) cron += std::format("/{}", TRY(number(step->second, 1, most)));
    }
    return cron;
}

std::optional<int> weekday(std::string_view name) {
    static constexpr std::array<std::string_view, 7> kNames{"sunday",   "monday", "tuesday", "wednesday",
                                                            "thursday", "friday", "saturday"};
    const auto lower = to_lower(name);
    for (int i = 0; i < 7; ++i) {
        if (lower == kNames[static_cast<std::size_t>(i)] || lower == kNames[static_cast<std::size_t>(i)].substr(0, 3)) {
            return i;
        }
    }
    return std::nullopt;
}

// "Mon..Fri", "Sat,Sun"; nothing when it is no weekday.
std::optional<std::string> weekdays(std::string_view text) {
    std::array<bool, 7> days{};
    for (const auto part : split(text, ',')) {
        const auto dots = part.find("..");
        const auto dash = cut(part, '-');
        const auto first = weekday(dots != std::string_view::npos ? part.substr(0, dots) : dash ? dash->first : part);
        const auto last = dots != std::string_view::npos ? weekday(part.substr(dots + 2))
                          : dash                         ? weekday(dash->second)
                                                         : first;
        if (!first || !last) return std::nullopt;
        for (int day = *first;; day = (day + 1) % 7) {
            days[static_cast<std::size_t>(day)] = true;
            if (day == *last) break;
        }
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < days.size(); ++i) {
        if (days[i]) names.push_back(std::to_string(i));
    }
    return names.size() == days.size() ? "*" : join(names, ",");
}

struct Fields {
    std::string second = "0", minute = "0", hour = "0", day = "*", month = "*", weekday = "*";
};

Result<void> take_date(std::string_view text, Fields& fields) {
    auto parts = split(text, '-');
    if (parts.size() == 3) {
        if (parts[0] != "*") return fail(Kind::unsupported, "years are not known to cron");
        parts.erase(parts.begin());
    }
    if (parts.size() != 2) return not_a_time();
    fields.month = TRY(field(parts[0], 1, 12));
    fields.day = TRY(field(parts[1], 1, 31));
    return {};
}

Result<void> take_time(std::string_view text, Fields& fields) {
    const auto parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3) return not_a_time();
    fields.hour = TRY(field(parts[0], 0, 23));
    fields.minute = TRY(field(parts[1], 0, 59));
    if (parts.size() == 3) fields.second = TRY(field(parts[2], 0, 59));
    return {};
}

}  // namespace

std::optional<std::int64_t> parse_time_span(std::string_view text) {
    text = trim(text);
    if (text == "infinity") return INT64_MAX;
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        double count = 0;
        const auto end = std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
        if (end.ec != std::errc() || count < 0) return std::nullopt;
        text = trim(text.substr(static_cast<std::size_t>(end.ptr - text.data())));
        const auto name = text.substr(0, text.find_first_of("0123456789. \t"));
        const auto unit = std::ranges::find(kUnits, name, &Unit::name);
        if (unit == kUnits.end()) return std::nullopt;
        total += count * static_cast<double>(unit->microseconds);
        text = trim(text.substr(name.size()));
    }
    constexpr double kMost = 9e18;
    return total > kMost ? INT64_MAX : static_cast<std::int64_t>(total) / kSecond;
}

Result<std::string> calendar_to_cron(std::string_view text) {
    const auto lower = to_lower(trim(text));
    const auto shorthand = std::ranges::find(kShorthands, lower, &Shorthand::name);
    if (shorthand != kShorthands.end()) return std::string(shorthand->cron);
    Fields fields;
    const auto words = split_words(text);
    std::size_t at = 0;
    if (words.empty()) return not_a_time();
    if (auto days = weekdays(words[0])) {
        fields.weekday = std::move(*days);
        ++at;
    }
    if (at < words.size() && words[at].contains('-') && !words[at].contains(':')) TRY(take_date(words[at++], fields));
    if (at < words.size() && words[at].contains(':')) TRY(take_time(words[at++], fields));
    if (at == 0) return not_a_time();
    if (at < words.size()) return fail(Kind::unsupported, "time zones are not known to cron: it runs by the machine's");
    if (fields.weekday != "*" && fields.day != "*") {
        return fail(Kind::unsupported, "a day of the week and a day of the month at once mean either to cron");
    }
    return std::format("{} {} {} {} {} {}", fields.second, fields.minute, fields.hour, fields.day, fields.month,
                       fields.weekday);
}

}  // namespace diatom::ignition
