#include "engine/log_cursor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace diatom::engine {
namespace {

constexpr std::size_t kBlock = 64U << 10U;

Result<std::size_t> read_at(FdRef file, std::uint64_t offset, std::string& into, std::size_t size) {
    into.resize(size);
    const ssize_t n = ::pread(file.raw(), into.data(), size, static_cast<off_t>(offset));
    if (n < 0) return fail_errno(errno, "read log");
    into.resize(static_cast<std::size_t>(n));
    return into.size();
}

// The offset of the `lines`-th line from the end. Fewer lines: zero, and `lines` is what is still wanted.
Result<std::uint64_t> seek_back(FdRef file, std::uint64_t& lines) {
    struct stat status{};
    if (::fstat(file.raw(), &status) < 0) return fail_errno(errno, "stat log");
    std::uint64_t end = static_cast<std::uint64_t>(status.st_size);
    bool last_byte = true;
    std::string block;
    while (end > 0) {
        const std::uint64_t start = end > kBlock ? end - kBlock : 0;
        const auto size = TRY(read_at(file, start, block, static_cast<std::size_t>(end - start)));
        for (std::size_t i = size; i > 0; --i) {
            if (block[i - 1] != '\n') {
                last_byte = false;
                continue;
            }
            // The newline that ends the last line starts no other one.
            if (std::exchange(last_byte, false)) continue;
            if (--lines == 0) return start + i;
        }
        end = start;
    }
    if (!last_byte) --lines;
    return std::uint64_t{0};
}

}  // namespace

Result<LogCursor> LogCursor::open(const std::string& path, unsigned max_files, std::uint64_t generation,
                                  std::optional<std::uint64_t> tail, std::shared_ptr<LogCopies> copies) {
    // From the newest file to older ones, until enough lines are found or there is no older file.
    LogCursor cursor(path, generation, std::move(copies));
    std::uint64_t wanted = tail.value_or(0);
    for (std::uint64_t age = 0; age <= max_files; ++age) {
        auto file = cursor.copies_->open(log_file(path, age));
        if (!file && file.error().kind() == Kind::not_found) break;
        cursor.file_ = TRY(std::move(file), "open the container's log");
        cursor.generation_ =
            generation - age;  // wraps below zero for files older than this JsonLog: differences stay right
        cursor.offset_ = 0;
        if (!tail) continue;
        if (wanted == 0) {
            struct stat status{};
            if (::fstat(cursor.file_->raw(), &status) < 0) return fail_errno(errno, "stat log");
            cursor.offset_ = static_cast<std::uint64_t>(status.st_size);
            break;
        }
        cursor.offset_ = TRY(seek_back(*cursor.file_, wanted));
        if (wanted == 0) break;
    }
    return cursor;
}

Result<bool> LogCursor::fill() {
    buffer_.erase(0, std::exchange(used_, 0));
    std::string block;
    const auto size = TRY(read_at(*file_, offset_, block, kBlock));
    offset_ += size;
    buffer_ += block;
    return size != 0;
}

Result<std::optional<LogEntry>> LogCursor::next(std::uint64_t generation) {
    for (;;) {
        const std::size_t newline = buffer_.find('\n', used_);
        if (newline != std::string::npos) {
            const auto line = std::string_view(buffer_).substr(used_, newline - used_);
            auto entry = decode_log_entry(line);
            used_ = newline + 1;
            if (entry) return std::optional(std::move(*entry));
            continue;
        }
        if (!file_) {
            auto file = copies_->open(log_file(path_, generation - generation_));
            if (!file && copies_->wanting()) return forward_error(std::move(file));
            if (!file && generation == generation_) return std::optional<LogEntry>();
            if (!file) {  // rotated out before it was read
                ++generation_;
                continue;
            }
            file_ = std::move(*file);
        }
        if (TRY(fill())) continue;
        if (generation == generation_) return std::optional<LogEntry>();
        // This file was rotated away and is read to its end: on with the next newer one.
        ++generation_;
        copies_->drop(file_);
        file_.reset();
        offset_ = 0;
        buffer_.clear();
        used_ = 0;
    }
}

}  // namespace diatom::engine
