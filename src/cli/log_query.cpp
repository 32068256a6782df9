#include "cli/log_query.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 11> kOptions{
    {{"--follow", 'f', false, "go on with what is logged from now on"},
     {"--lines", 'n', true, "only the last so many"},
     {"--service", 'u', true, "only what SERVICE says; may be repeated"},
     {"--unit", 0, true, "the same"},
     {"--priority", 'p', true, "this and more important: error, warning, 0 to 7"},
     {"--since", 's', true, "RFC 3339, seconds since 1970, or a duration: 10m"},
     {"--until", 0, true, "the same"},
     {"--boot", 'b', true, "0: this boot, -1: the one before it, or the beginning of an id"},
     {"--list-boots", 0, false, "the boots that are kept"},
     {"--field", 'F', true, "only records with NAME=VALUE; may be repeated"},
     {"--output", 'o', true, "short (default), json, or export, which systemd-journal-remote reads"}}};

Result<std::int64_t> time_of(const Arguments& arguments, std::string_view option, std::int64_t otherwise) {
    if (!arguments.has(option)) return otherwise;
    const auto time = sys::parse_time_argument(arguments.value(option));
    if (time) return *time;
    return fail(Kind::invalid, "{} {}: not a time; write 2026-11-23T10:56:26Z, or 10m", option,
                arguments.value(option));
}

Result<LogFormat> format_of(const std::string& output) {
    if (output == "short") return LogFormat::people;
    if (output == "json") return LogFormat::json;
    if (output == "export") return LogFormat::journal;
    return fail(Kind::invalid, "--output must be short, json or export, not {}", output);
}

// "0" and "-1" count from the boot that runs, which need not be kept yet.
Result<journal::BootId> boot_of(const std::string& text, std::vector<journal::BootId> ids, const journal::BootId& now) {
    if (!std::ranges::contains(ids, now)) ids.push_back(now);
    const auto ago = parse_int(text);
    if (ago && *ago <= 0 && text.size() < 6) {
        if (-*ago < static_cast<std::int64_t>(ids.size())) return ids[ids.size() - 1 - static_cast<std::size_t>(-*ago)];
        return fail(Kind::not_found, "--boot {}: only {} boots are kept", text, ids.size());
    }
    std::vector<journal::BootId> found;
    std::ranges::copy_if(ids, std::back_inserter(found),
                         [&](const auto& id) { return text.size() >= 4 && id.text().starts_with(to_lower(text)); });
    if (found.size() == 1) return found.front();
    return fail(Kind::not_found, "--boot {}: {}; --list-boots shows them", text,
                found.empty() ? "no boot that is kept" : "more than one boot");
}

}  // namespace

std::span<const OptionSpec> log_options() { return kOptions; }

Result<LogQuery> decode_log_query(const Arguments& arguments, const std::vector<journal::BootSpan>& boots,
                                  const journal::BootId& now) {
    LogQuery wanted{.follow = arguments.has("--follow"), .list_boots = arguments.has("--list-boots")};
    auto& query = wanted.query;
    query.units = arguments.rest;
    for (const auto* option : {"--service", "--unit"}) {
        const auto named = arguments.values(option);
        query.units.insert(query.units.end(), named.begin(), named.end());
    }
    query.since = TRY(time_of(arguments, "--since", INT64_MIN));
    query.until = TRY(time_of(arguments, "--until", INT64_MAX));
    if (arguments.has("--priority")) {
        const auto priority = journal::parse_priority(arguments.value("--priority"));
        if (!priority)
            return fail(
                Kind::invalid,
                "--priority {}: it is emergency, alert, critical, error, warning, notice, info, debug, or 0 to 7",
                arguments.value("--priority"));
        query.priority = *priority;
    }
    if (arguments.has("--boot")) {
        std::vector<journal::BootId> ids;
        for (const auto& span : boots) ids.push_back(span.boot);
        query.boot = TRY(boot_of(arguments.value("--boot"), std::move(ids), now));
    }
    for (const auto& field : arguments.values("--field")) {
        const auto halves = cut(field, '=');
        if (!halves || halves->first.empty()) return fail(Kind::invalid, "--field {}: write NAME=VALUE", field);
        query.fields.push_back({std::string(halves->first), std::string(halves->second)});
    }
    if (arguments.has("--lines")) {
        wanted.lines = parse_uint(arguments.value("--lines"));
        if (!wanted.lines) return fail(Kind::invalid, "--lines {}: not a number", arguments.value("--lines"));
    }
    wanted.format = TRY(format_of(arguments.value("--output", "short")));
    return wanted;
}

std::string draw_boots(const std::vector<journal::BootSpan>& boots, const journal::BootId& now) {
    std::string text;
    const bool kept = std::ranges::contains(boots, now, &journal::BootSpan::boot);
    auto ago = static_cast<std::int64_t>(boots.size()) - (kept ? 1 : 0);
    for (const auto& span : boots) {
        text += std::format("{:>5} {} {} {} {}\n", -ago, span.boot.text(), sys::format_rfc3339(span.first_time),
                            sys::format_rfc3339(span.last_time), span.next_number - span.first_number);
        --ago;
    }
    return text;
}

}  // namespace diatom::cli
