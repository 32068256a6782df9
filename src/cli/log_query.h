// What `diatom logs` is asked for. Thread side: any.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "journal/record.h"
#include "journal/store_reader.h"

namespace diatom::cli {

enum class LogFormat : std::uint8_t { people, json, journal };

struct LogQuery {
    journal::Query query;
    std::optional<std::uint64_t> lines;
    LogFormat format = LogFormat::people;
    bool follow = false, list_boots = false;
};

std::span<const OptionSpec> log_options();
// `boots`: those that are kept; `now`: the one that runs.
Result<LogQuery> decode_log_query(const Arguments& arguments, const std::vector<journal::BootSpan>& boots,
                                  const journal::BootId& now);

// One line for each boot: how many ago, its id, first and last record.
std::string draw_boots(const std::vector<journal::BootSpan>& boots, const journal::BootId& now);

}  // namespace diatom::cli
