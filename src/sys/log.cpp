#include "sys/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "base/json.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log_flag.h"

namespace diatom::log {
namespace {

constexpr std::size_t kMaxText = 8U << 10U;  // of one message or value; what is longer is cut

std::string_view name_of(Level level) noexcept {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warning: return "warning";
        case Level::error: return "error";
    }
    return "unknown";
}

std::string json_text(std::string_view text) { return dump_json(Json(text.substr(0, kMaxText))); }

std::string json_line(const std::string& unit, Level level, std::string_view message, Fields fields) {
    std::string line = std::format(R"({{"t":{},"m":{},"level":"{}","unit":{},"msg":{})", sys::wall_ns(),
                                   sys::monotonic_ns(), name_of(level), json_text(unit), json_text(message));
    for (const auto& field : fields) {
        line += std::format(",{}:{}", json_text(field.key), field.bare ? field.value : json_text(field.value));
    }
    line += "}\n";
    return line;
}

std::string text_line(const std::string& unit, Level level, std::string_view message, Fields fields) {
    std::string line = unit.empty() ? "" : unit + ": ";
    if (level != Level::info) line += std::format("{}: ", name_of(level));
    line += message.substr(0, kMaxText);
    for (const auto& field : fields) {
        const auto value = std::string_view(field.value).substr(0, kMaxText);
        const bool plain = value.find_first_of(" \t\n\"") == std::string_view::npos && !value.empty();
        line += std::format(" {}={}", field.key, plain ? std::string(value) : json_text(value));
    }
    line += '\n';
    return line;
}

// Append-only file that becomes NAME.1 when it is full. Not thread-safe: its user holds the lock.
class RotatedFile {
public:
    RotatedFile(std::string path, std::uint64_t max_bytes) : path_(std::move(path)), max_bytes_(max_bytes) {}

    void append(std::string_view line) noexcept {
        if (file_ && size_ + line.size() > max_bytes_ && size_ > 0) {
            ::rename(path_.c_str(), (path_ + ".1").c_str());
            file_.reset();
        }
        if (!file_ && !reopen()) return;
        // After a line that a full disk cut short, the next one begins on a line of its own.
        if (cut_short_ && ::write(file_.raw(), "\n", 1) != 1) return;
        const ssize_t written = ::write(file_.raw(), line.data(), line.size());
        cut_short_ = written > 0 && static_cast<std::size_t>(written) != line.size();
        if (written > 0) size_ += static_cast<std::uint64_t>(written);
    }

private:
    bool reopen() {
        auto file = sys::open_path(path_, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
        struct stat status{};
        if (!file || ::fstat(file->raw(), &status) < 0) return false;
        file_ = std::move(*file);
        size_ = static_cast<std::uint64_t>(status.st_size);
        return true;
    }

    std::string path_;
    std::uint64_t max_bytes_;
    std::uint64_t size_ = 0;
    Fd file_;
    bool cut_short_ = false;
};

struct State {
    std::mutex mutex;
    Sink sink;
    std::optional<RotatedFile> file;
};

// Somebody wants to know more for a while.
bool is_debugged(const Sink& sink) {
    return !sink.directory.empty() && ::access((sink.directory + "/" + kDebugFlag).c_str(), F_OK) == 0;
}

// Never destroyed: threads may log while the program ends.
State& state() {
    static State& instance = *new State;
    return instance;
}

}  // namespace

void open_sink(Sink sink) {
    State& log = state();
    const std::scoped_lock lock(log.mutex);
    log.file.reset();
    if (!sink.directory.empty()) {
        log.file.emplace(std::format("{}/{}.log", sink.directory, sink.unit), sink.max_bytes);
    }
    log.sink = std::move(sink);
}

void write(Level level, std::string_view message, Fields fields) noexcept {
    try {
        State& log = state();
        const std::scoped_lock lock(log.mutex);
        if (level < log.sink.least && !is_debugged(log.sink)) return;
        if (log.file) log.file->append(json_line(log.sink.unit, level, message, fields));
        if (log.file && (!log.sink.echo || level < *log.sink.echo)) return;
        const std::string line = text_line(log.sink.unit, level, message, fields);
        std::ignore = ::write(STDERR_FILENO, line.data(), line.size());
    } catch (...) {
        // Out of memory: the line is lost, its caller goes on.
    }
}

void error(std::string_view message, const Error& cause) noexcept {
    try {
        write(Level::error, message, {{"error", cause.what()}});
    } catch (...) {
        write(Level::error, message);  // no memory for the copy of the cause
    }
}

}  // namespace diatom::log
