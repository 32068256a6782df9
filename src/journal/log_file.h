// A log that somebody else writes and rotates: PATH, and what was rotated out of it, PATH.1 the next older one. Read
// from a position on, line by line, also while it grows; a file is known again by its first line, whatever it is called
// by then. Thread side: one thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/fd.h"
#include "journal/record.h"

namespace diatom::journal {

class LogFile {
public:
    LogFile(std::string path, std::optional<Position> from) : path_(std::move(path)), from_(from) {}

    // Whole lines that are new, until about `budget` bytes are read. True when there may be more at once.
    using Line = std::function<void(std::string_view line, const Position& behind)>;
    bool read(std::size_t budget, const Line& line);

private:
    bool open_first();
    bool open_next();
    bool open(const std::string& path);
    std::size_t take_lines(bool all, const Line& line);

    std::string path_;
    std::optional<Position> from_;
    Fd file_;
    Position at_;          // of what is pending
    std::string pending_;  // without the end of its line
    std::set<std::uint64_t> finished_;
};

}  // namespace diatom::journal
