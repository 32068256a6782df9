// A container's log in Docker's json-file format: one {"log":"text\n","stream":"stdout","time":"…"} a line, rotated by
// size: PATH, PATH.1 (the next older), … (log_files.h). Lines longer than 16 KiB are split as Docker splits them: every
// part but the last is without its newline. Between "stream" and "time" stands "attrs", what the log options name
// (log_options.h), if any. Thread side: the loop's thread; readers of the same JsonLog see each rotation exactly.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "engine/model.h"

namespace diatom::engine {

enum class LogStream : std::uint8_t { out, err };

struct LogEntry {
    LogStream stream = LogStream::out;
    std::int64_t time = 0;  // wall ns
    std::string text;
    std::map<std::string, std::string> attributes;
};
// `attributes`: as JSON. Ends with the newline.
std::string encode_log_entry(const LogEntry& entry, std::string_view attributes = {});
Result<LogEntry> decode_log_entry(std::string_view line);

inline constexpr std::size_t kMaxLogLine = 16U << 10U;  // bytes

// A file that has been rotated out and is to be compressed.
struct RotatedLog {
    Fd file;
    std::uint64_t generation = 0;  // when it was the current one
};

class JsonLog {
public:
    static Result<std::unique_ptr<JsonLog>> open(std::string path, LogOptions options, std::uint64_t generation = 0,
                                                 const std::map<std::string, std::string>& attributes = {});

    // Bytes as they came from the container; whole lines are written, the rest waits for its newline or for flush().
    Result<void> append(LogStream stream, std::string_view bytes, std::int64_t time);
    // Unfinished lines are kept in `directory`, too: an engine that is killed loses them otherwise. Takes up those that
    // are there.
    void keep_partials(std::string directory);
    Result<void> flush();  // what waits, at the end of a stream

    // A line whose end is still to come.
    struct Partial {
        std::string text;
        std::int64_t time = 0;
        bool kept = false;
    };
    const Partial& partial(LogStream stream) const { return partial_[static_cast<std::size_t>(stream)]; }
    void begin_line(LogStream stream, std::string_view text, std::int64_t time);  // in place of what was begun
    // Told where in the file entries stand, before they are written.
    void tell_begin(std::uint64_t* begin) { begin_ = begin; }

    const std::string& path() const noexcept { return path_; }
    // Counts rotations: a file that was current at generation g is now PATH.(generation() - g).
    std::uint64_t generation() const noexcept { return generation_; }
    unsigned max_files() const noexcept { return options_.max_files; }
    // The last one, once; nothing where the options do not have them compressed.
    std::optional<RotatedLog> take_rotated() noexcept { return std::exchange(rotated_, std::nullopt); }

private:
    JsonLog(std::string path, LogOptions options, std::uint64_t generation)
        : path_(std::move(path)), options_(std::move(options)), generation_(generation) {}
    Result<void> open_file();
    Result<void> write_entries(const std::string& lines);
    Result<void> rotate();

    std::string partial_path(LogStream stream) const;
    void keep(LogStream stream);
    std::string path_, partials_, attributes_;
    LogOptions options_;
    Fd file_;
    std::uint64_t size_ = 0, generation_;
    std::uint64_t* begin_ = nullptr;
    std::optional<RotatedLog> rotated_;
    std::array<Partial, 2> partial_;
};

}  // namespace diatom::engine
