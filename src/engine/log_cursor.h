// Reads a json-file log from where a query starts, across rotated files. Thread side: one thread at a time; with a live
// JsonLog, the loop's thread. Without one (the container is not running) the files stand still.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "engine/json_log.h"
#include "engine/log_files.h"

namespace diatom::engine {

class LogCursor {
public:
    // At the first of the last `tail` entries, or at the oldest. Fails, as next() does, while `copies` is wanting: to
    // be called again once the copy is made.
    static Result<LogCursor> open(const std::string& path, unsigned max_files, std::uint64_t generation,
                                  std::optional<std::uint64_t> tail,
                                  std::shared_ptr<LogCopies> copies = std::make_shared<LogCopies>());
    // The next whole entry; nothing at the end of what is written by now. `generation`: the log's present one.
    // Lines that are no entries (cut by a crash) are skipped.
    Result<std::optional<LogEntry>> next(std::uint64_t generation);

    LogCopies& copies() noexcept { return *copies_; }

private:
    LogCursor(std::string path, std::uint64_t generation, std::shared_ptr<LogCopies> copies)
        : path_(std::move(path)), generation_(generation), copies_(std::move(copies)) {}
    Result<bool> fill();
    std::string path_;
    std::uint64_t generation_;  // of the file being read
    std::shared_ptr<LogCopies> copies_;
    LogCopies::File file_;
    std::uint64_t offset_ = 0;  // of the end of buffer_
    std::string buffer_;
    std::size_t used_ = 0;
};

}  // namespace diatom::engine
