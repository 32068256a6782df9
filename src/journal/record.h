// One thing that somebody on this machine said: as it is kept, asked for, printed and handed on. Thread side: any;
// values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::journal {

// Of RFC 5424, as the kernel and syslog(3) number them.
enum class Priority : std::uint8_t { emergency, alert, critical, error, warning, notice, info, debug };
enum class Facility : std::uint8_t { kernel = 0, user = 1, daemon = 3, syslog = 5 };  // others are numbers

std::string_view to_string(Priority priority) noexcept;  // "error"
// "warning", syslog's short names ("err", "crit"), or a digit.
std::optional<Priority> parse_priority(std::string_view text) noexcept;

// What the kernel calls itself until it is started again.
struct BootId {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const BootId&, const BootId&) = default;
    std::string text() const;                                   // 32 hexadecimal digits
    static std::optional<BootId> parse(std::string_view text);  // with or without dashes
    static Result<BootId> current(const std::string& path = "/proc/sys/kernel/random/boot_id");
};

// How far a source has been read. A file is known by its first line, for names and inodes move on.
struct Position {
    std::uint64_t identity = 0, offset = 0;
    friend bool operator==(const Position&, const Position&) = default;
};
using Positions = std::map<std::string, Position, std::less<>>;  // by source: "own/init"

struct Field {
    std::string name, value;
    friend bool operator==(const Field&, const Field&) = default;
};

struct Record {
    std::uint64_t number = 0;     // in the store; 0: not kept yet
    std::int64_t time = 0;        // wall ns
    std::int64_t since_boot = 0;  // ns
    Priority priority = Priority::info;
    Facility facility = Facility::daemon;
    std::string unit;  // "kernel", "init", "system-engine", "udev", …
    std::string text;
    std::vector<Field> fields;
    BootId boot;
    std::string source;  // empty: one that is not read again
    Position position;   // of the source, after this record

    const std::string* field(std::string_view name) const noexcept;
};

inline constexpr std::size_t kMaxText = 64U << 10U;  // bytes of a text or value; what is longer is cut
inline constexpr std::size_t kMaxFields = 64;        // of a record
inline constexpr std::size_t kMaxFieldName = 64;     // bytes

// Cuts what is too long, where a character of UTF-8 begins.
std::string_view cut_text(std::string_view text, std::size_t limit = kMaxText) noexcept;

// Which records are wanted.
struct Query {
    std::vector<std::string> units;       // empty: all
    Priority priority = Priority::debug;  // this or more important
    std::optional<BootId> boot;
    std::int64_t since = INT64_MIN, until = INT64_MAX;  // wall ns, both inclusive
    std::vector<Field> fields;                          // all of them
    bool wants(const Record& record) const;
};

}  // namespace diatom::journal
