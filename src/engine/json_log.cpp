#include "engine/json_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.h"
#include "base/strings.h"
#include "engine/log_files.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

constexpr const char* name_of(LogStream stream) { return stream == LogStream::out ? "stdout" : "stderr"; }

// A crash (or a full disk) may have cut the last line; the next one must not be glued to it.
Result<void> end_cut_line(FdRef file, std::uint64_t& size) {
    char last = '\n';
    if (size == 0 || ::pread(file.raw(), &last, 1, static_cast<off_t>(size - 1)) != 1 || last == '\n') return {};
    TRY(sys::write_all(file, "\n"));
    ++size;
    return {};
}

}  // namespace

std::string encode_log_entry(const LogEntry& entry, std::string_view attributes) {
    // Built by hand: this runs for each line that a container writes. Only the text needs JSON's escapes.
    std::string line = "{\"log\":" + dump_json(Json(entry.text)) + ",\"stream\":\"" + name_of(entry.stream) + "\"";
    if (!attributes.empty()) line.append(",\"attrs\":").append(attributes);
    return line + ",\"time\":\"" + sys::format_rfc3339(entry.time) + "\"}\n";
}

Result<LogEntry> decode_log_entry(std::string_view line) {
    const Json document = TRY(parse_json(line, "log entry"));
    const auto time = sys::parse_rfc3339(TRY(json_string(document, "time")));
    if (!time) return fail(Kind::corrupt, "log entry without a time");
    const bool err = TRY(json_string(document, "stream")) == "stderr";
    return LogEntry{err ? LogStream::err : LogStream::out, *time, TRY(json_string(document, "log")),
                    TRY(json_string_map(document, "attrs"))};
}

Result<std::unique_ptr<JsonLog>> JsonLog::open(std::string path, LogOptions options, std::uint64_t generation,
                                               const std::map<std::string, std::string>& attributes) {
    auto log = std::unique_ptr<JsonLog>(new JsonLog(std::move(path), std::move(options), generation));
    if (!attributes.empty()) log->attributes_ = dump_json(Json(attributes));
    TRY(log->open_file(), "open the container's log");
    return log;
}

Result<void> JsonLog::open_file() {
    file_ = TRY(sys::open_path(path_, O_RDWR | O_APPEND | O_CREAT, 0640));
    struct stat status{};
    if (::fstat(file_.raw(), &status) < 0) return fail_errno(errno, "stat {}", path_);
    size_ = static_cast<std::uint64_t>(status.st_size);
    return end_cut_line(file_, size_);
}

Result<void> JsonLog::append(LogStream stream, std::string_view bytes, std::int64_t time) {
    auto& partial = partial_[static_cast<std::size_t>(stream)];
    std::string lines;
    while (!bytes.empty()) {
        if (partial.text.empty()) partial.time = time;
        const std::size_t room = kMaxLogLine - partial.text.size();
        const std::size_t newline = bytes.substr(0, room).find('\n');
        const std::size_t taken = newline == std::string_view::npos ? std::min(room, bytes.size()) : newline + 1;
        partial.text.append(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        if (newline != std::string_view::npos || partial.text.size() == kMaxLogLine) {
            lines += encode_log_entry({stream, partial.time, std::exchange(partial.text, {}), {}}, attributes_);
        }
    }
    auto written = write_entries(lines);
    keep(stream);
    return written;
}

Result<void> JsonLog::flush() {
    std::string lines;
    for (const auto stream : {LogStream::out, LogStream::err}) {
        auto& partial = partial_[static_cast<std::size_t>(stream)];
        if (!partial.text.empty())
            lines += encode_log_entry({stream, partial.time, std::exchange(partial.text, {}), {}}, attributes_);
    }
    auto written = write_entries(lines);
    for (const auto stream : {LogStream::out, LogStream::err}) keep(stream);
    return written;
}

std::string JsonLog::partial_path(LogStream stream) const { return partials_ + "/unfinished-" + name_of(stream); }

void JsonLog::keep_partials(std::string directory) {
    partials_ = std::move(directory);
    for (const auto stream : {LogStream::out, LogStream::err}) {
        const auto kept = sys::read_file(partial_path(stream));
        const auto halves = kept ? cut(*kept, '\n') : std::nullopt;
        if (!halves) continue;
        auto& partial = partial_[static_cast<std::size_t>(stream)];
        partial = {.text = std::string(halves->second),
                   .time = parse_int(halves->first).value_or(sys::wall_ns()),
                   .kept = true};
    }
}

void JsonLog::begin_line(LogStream stream, std::string_view text, std::int64_t time) {
    partial_[static_cast<std::size_t>(stream)] = {.text = std::string(text), .time = time, .kept = true};
}

// On tmpfs. A failure costs at most this line, at the next crash.
void JsonLog::keep(LogStream stream) {
    auto& partial = partial_[static_cast<std::size_t>(stream)];
    if (partials_.empty() || (partial.text.empty() && !partial.kept)) return;
    partial.kept = !partial.text.empty();
    if (partial.kept) {
        std::ignore = sys::write_file(partial_path(stream), std::to_string(partial.time) + "\n" + partial.text, 0600);
    } else {
        std::ignore = sys::remove_file(partial_path(stream));
    }
}

Result<void> JsonLog::write_entries(const std::string& lines) {
    if (lines.empty()) return {};
    if (options_.max_size != 0 && size_ != 0 && size_ + lines.size() > options_.max_size) TRY(rotate());
    if (begin_ != nullptr) *begin_ = size_;
    TRY(sys::write_all(file_, lines), "write {}", path_);
    size_ += lines.size();
    return {};
}

Result<void> JsonLog::rotate() {
    TRY(shift_log_files(path_, options_.max_files));
    if (options_.compress) rotated_ = RotatedLog{TRY(sys::open_path(log_file(path_, 1), O_RDONLY)), generation_};
    ++generation_;
    return open_file();
}

}  // namespace diatom::engine
