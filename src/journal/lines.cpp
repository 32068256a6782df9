#include "journal/lines.h"

#include <algorithm>

#include "base/json.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::journal {
namespace {

constexpr std::size_t kMaxJson = 128U << 10U;  // what is longer is taken as raw text

std::string value_text(const Json& value) { return value.is_string() ? value.get<std::string>() : dump_json(value); }

bool is_fixed_key(std::string_view key) {
    return key == "t" || key == "m" || key == "level" || key == "unit" || key == "msg";
}

void add_field(Record& record, std::string_view name, std::string_view value) {
    if (name.empty() || record.fields.size() == kMaxFields) return;
    record.fields.push_back({std::string(cut_text(name, kMaxFieldName)), std::string(cut_text(value))});
}

Record raw(std::string_view line, std::string_view unit, const Clocks& clocks) {
    Record record;
    record.time = clocks.wall;
    record.since_boot = clocks.boot;
    record.unit = unit;
    record.text = cut_text(line);
    return record;
}

std::int64_t since_boot(std::int64_t wall, const Clocks& clocks) {
    // A line may name any time: the difference of two need not fit.
    const auto ago =
        clocks.wall > wall ? static_cast<std::uint64_t>(clocks.wall) - static_cast<std::uint64_t>(wall) : 0;
    const auto boot = static_cast<std::uint64_t>(std::max<std::int64_t>(clocks.boot, 0));
    return boot > ago ? static_cast<std::int64_t>(boot - ago) : 0;
}

// "<4>": from the front of the text.
void take_priority(Record& record) {
    auto& text = record.text;
    if (text.size() < 3 || text[0] != '<' || text[2] != '>' || text[1] < '0' || text[1] > '7') return;
    record.priority = static_cast<Priority>(text[1] - '0');
    text.erase(0, 3);
}

// " SUBSYSTEM=pci": what the kernel adds to a message, a line each.
void add_kernel_fields(Record& record, std::string_view lines) {
    for (const auto line : split(lines, '\n')) {
        const auto pair = line.starts_with(' ') ? cut(line.substr(1), '=') : std::nullopt;
        if (pair) add_field(record, to_lower(pair->first), pair->second);
    }
}

}  // namespace

Clocks Clocks::now() { return {.wall = sys::wall_ns(), .boot = sys::boot_ns()}; }

std::optional<KernelLine> parse_kernel_line(std::string_view bytes, const Clocks& clocks) {
    const auto halves = cut(bytes, ';');
    if (!halves) return std::nullopt;
    const auto fields = split(halves->first, ',');
    if (fields.size() < 3) return std::nullopt;
    const auto priority = parse_uint(fields[0]), sequence = parse_uint(fields[1]);
    const auto time_us = parse_int(fields[2]);
    // The wall clock is added to it.
    if (!priority || *priority > 191 || !sequence || !time_us || *time_us < 0 || *time_us > INT64_MAX / 2000)
        return std::nullopt;
    KernelLine line{.sequence = *sequence};
    auto& record = line.record;
    record.unit = "kernel";
    record.since_boot = *time_us * 1000;
    record.time = clocks.wall - clocks.boot + record.since_boot;
    record.priority = static_cast<Priority>(*priority & 7U);
    record.facility = static_cast<Facility>(*priority >> 3U);
    const auto text = halves->second.substr(0, halves->second.find('\n'));
    record.text = cut_text(text);
    if (text.size() < halves->second.size()) add_kernel_fields(record, halves->second.substr(text.size() + 1));
    return line;
}

Record parse_own_line(std::string_view line, std::string_view unit, const Clocks& clocks) {
    auto record = raw(line, unit, clocks);
    if (line.size() > kMaxJson) return record;
    const auto json = parse_json(line, "log line");
    if (!json || !json->is_object()) return record;
    record.time = json_int(*json, "t").value_or(clocks.wall);
    record.since_boot = json_int(*json, "m").value_or(since_boot(record.time, clocks));
    record.priority = parse_priority(json_string(*json, "level").value_or("")).value_or(Priority::info);
    record.unit = cut_text(json_string(*json, "unit", std::string(unit)).value_or(std::string(unit)), 256);
    record.text = cut_text(json_string(*json, "msg").value_or(""));
    for (const auto& [key, value] : json->items()) {
        if (!is_fixed_key(key)) add_field(record, key, value_text(value));
    }
    return record;
}

Record parse_container_line(std::string_view line, std::string_view unit, const Clocks& clocks) {
    auto record = raw(line, unit, clocks);
    if (line.size() > kMaxJson) return record;
    const auto json = parse_json(line, "log line");
    if (!json || !json->is_object()) return record;
    record.text = cut_text(json_string(*json, "log").value_or(""));
    while (record.text.ends_with('\n') || record.text.ends_with('\r')) record.text.pop_back();
    record.time = sys::parse_rfc3339(json_string(*json, "time").value_or("")).value_or(clocks.wall);
    record.since_boot = since_boot(record.time, clocks);
    take_priority(record);
    const auto stream = json_string(*json, "stream").value_or("");
    if (!stream.empty()) add_field(record, "stream", stream);
    for (const auto& [name, value] : json_string_map(*json, "attrs").value_or(std::map<std::string, std::string>())) {
        if (name == "tag") record.unit = cut_text(value, 256);
        else add_field(record, name, value);
    }
    return record;
}

}  // namespace diatom::journal
