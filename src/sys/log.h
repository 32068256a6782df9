// Structured logging: one JSON object a line, at the handler, once, always with the id of the thing.
// Thread side: any. A log that cannot be written never stops its caller.
//
//   log::info("container started", {{"id", id}, {"pid", pid}});
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace diatom::log {

enum class Level : std::uint8_t { debug, info, warning, error };

struct Field {
    std::string_view key;
    std::string value;
    bool bare = false;  // a number or truth value: no quotes in JSON
    Field(std::string_view k, std::string_view v) : key(k), value(v) {}
    Field(std::string_view k, const char* v) : key(k), value(v) {}
    Field(std::string_view k, const std::string& v) : key(k), value(v) {}
    Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), bare(true) {}
    template <class T>
        requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
    Field(std::string_view k, T v) : key(k), value(std::to_string(v)), bare(std::is_integral_v<T>) {}
};
using Fields = std::initializer_list<Field>;

// Where lines go. Until called: standard error, as text for people. With a directory: DIR/UNIT.log and one rotated
// UNIT.log.1, each at most `max_bytes`, {"t":wall ns,"m":monotonic ns,"level":…,"unit":…,"msg":…, fields…}.
struct Sink {
    std::string directory;
    std::string unit;
    std::uint64_t max_bytes = 1U << 20U;
    std::optional<Level> echo = Level::warning;  // from this level also to standard error; nothing: to the file only
    Level least = Level::info;
};
void open_sink(Sink sink);

void write(Level level, std::string_view message, Fields fields = {}) noexcept;
inline void debug(std::string_view message, Fields fields = {}) noexcept { write(Level::debug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) noexcept { write(Level::info, message, fields); }
inline void warning(std::string_view message, Fields fields = {}) noexcept { write(Level::warning, message, fields); }
inline void error(std::string_view message, Fields fields = {}) noexcept { write(Level::error, message, fields); }
void error(std::string_view message, const Error& cause) noexcept;  // with the field "error"

}  // namespace diatom::log
