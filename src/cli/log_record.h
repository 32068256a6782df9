// One line of any of the machine's logs, and how each log writes it. Thread side: any; pure parsers that take whatever
// stands in a file: what cannot be decoded becomes a record with the raw text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diatom::cli {

struct LogRecord {
    std::int64_t time = 0;  // wall ns
    std::string unit;       // "kernel", "init", "system-engine", "udev", …
    std::string level;      // debug, info, warning, error
    std::string text;
};

// "6,339,5140900,-;message" of /dev/kmsg; nothing for a continuation line. `boot_wall`: wall ns at which the kernel
// started. Source: Documentation/ABI/testing/dev-kmsg of Linux 6.12.
std::optional<LogRecord> parse_kernel_record(std::string_view record, std::int64_t boot_wall);
// A line of sys/log.h's file.
LogRecord parse_own_line(std::string_view line, std::string_view unit);
// A line of Docker's json-file format.
LogRecord parse_container_line(std::string_view line, std::string_view unit);

std::string format_short(const LogRecord& record);  // "2026-11-23T10:56:26.123456Z unit: text"
std::string format_json(const LogRecord& record);

}  // namespace diatom::cli
