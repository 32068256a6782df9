// Clocks. Thread side: any. Nanoseconds everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diatom::sys {

std::int64_t wall_ns() noexcept;       // since 1970, CLOCK_REALTIME
std::int64_t monotonic_ns() noexcept;  // CLOCK_MONOTONIC
std::int64_t boot_ns() noexcept;       // since the kernel started, CLOCK_BOOTTIME

std::string format_rfc3339(std::int64_t wall_ns);  // 2026-11-23T10:56:26.123456789Z, as Docker prints
std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept;
// What Docker's since= and until= accept: RFC 3339, "1699999999.123456789", or a Go duration ("10m", "1h30m") before
// now.
std::optional<std::int64_t> parse_time_argument(std::string_view text) noexcept;
std::optional<std::int64_t> parse_duration(std::string_view text) noexcept;  // Go duration, to nanoseconds

}  // namespace diatom::sys
