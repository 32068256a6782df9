#include "cli/log_record.h"

#include <array>

#include "base/json.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

constexpr std::size_t kMaxLine = 64U << 10U;  // what is longer is taken as raw text

std::string_view kernel_level(unsigned priority) {
    constexpr std::array<std::string_view, 8> kLevels{"error",   "error", "error", "error",
                                                      "warning", "info",  "info",  "debug"};
    return kLevels[priority & 7U];
}

std::string value_text(const Json& value) { return value.is_string() ? value.get<std::string>() : dump_json(value); }

bool is_fixed_key(std::string_view key) {
    return key == "t" || key == "m" || key == "level" || key == "unit" || key == "msg";
}

}  // namespace

std::optional<LogRecord> parse_kernel_record(std::string_view record, std::int64_t boot_wall) {
    const auto halves = cut(record, ';');
    if (!halves) return std::nullopt;
    const auto fields = split(halves->first, ',');
    if (fields.size() < 3) return std::nullopt;
    const auto priority = parse_uint(fields[0]);
    const auto time_us = parse_int(fields[2]);
    if (!priority || !time_us || *time_us < 0 || *time_us > INT64_MAX / 2000) return std::nullopt;
    const auto text = halves->second.substr(0, halves->second.find('\n'));
    return LogRecord{boot_wall + *time_us * 1000, "kernel", std::string(kernel_level(static_cast<unsigned>(*priority))),
                     std::string(text)};
}

LogRecord parse_own_line(std::string_view line, std::string_view unit) {
    LogRecord record{0, std::string(unit), "info", std::string(line)};
    if (line.size() > kMaxLine) return record;
    const auto json = parse_json(line, "log line");
    if (!json || !json->is_object()) return record;
    record.time = json_int(*json, "t").value_or(0);
    record.level = json_string(*json, "level").value_or("info");
    record.unit = json_string(*json, "unit", std::string(unit)).value_or(std::string(unit));
    record.text = json_string(*json, "msg").value_or("");
    for (const auto& [key, value] : json->items()) {
        if (!is_fixed_key(key)) record.text += std::format(" {}={}", key, value_text(value));
    }
    return record;
}

LogRecord parse_container_line(std::string_view line, std::string_view unit) {
    LogRecord record{0, std::string(unit), "info", std::string(line)};
    if (line.size() > kMaxLine) return record;
    const auto json = parse_json(line, "log line");
    if (!json || !json->is_object()) return record;
    record.text = json_string(*json, "log").value_or("");
    while (record.text.ends_with('\n') || record.text.ends_with('\r')) record.text.pop_back();
    record.time = sys::parse_rfc3339(json_string(*json, "time").value_or("")).value_or(0);
    return record;
}

std::string format_short(const LogRecord& record) {
    // Microseconds: RFC 3339 has nine digits here.
    const auto time = sys::format_rfc3339(record.time);
    const auto dot = time.find('.');
    std::string fraction = dot == std::string::npos ? "" : time.substr(dot + 1, time.size() - dot - 2);
    fraction.resize(6, '0');
    const std::string level = record.level == "warning" || record.level == "error" ? record.level + ": " : "";
    return std::format("{}.{}Z {}: {}{}", time.substr(0, 19), fraction, record.unit, level, record.text);
}

std::string format_json(const LogRecord& record) {
    return dump_json(Json{{"time", sys::format_rfc3339(record.time)},
                          {"unit", record.unit},
                          {"level", record.level},
                          {"text", record.text}});
}

}  // namespace diatom::cli
