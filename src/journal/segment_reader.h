// Reads the frames of one segment, which may be growing. Damage is stepped over: what stands behind it is read.
// Thread side: one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "journal/frame.h"

namespace diatom::journal {

class SegmentReader {
public:
    // corrupt: it does not begin as a segment does.
    static Result<SegmentReader> open(const std::string& path);

    const HeaderFrame& header() const noexcept { return header_; }
    // The next frame; nothing at the end of what there is by now, or in front of one that is still being written.
    std::optional<Frame> next();
    std::uint64_t offset() const noexcept { return offset_ + used_; }  // where the next frame begins
    void seek(std::uint64_t offset) noexcept;
    std::uint64_t damaged() const noexcept { return damaged_; }  // bytes that were stepped over

private:
    explicit SegmentReader(Fd file) : file_(std::move(file)) {}
    bool fill();
    std::optional<std::string_view> next_payload();

    Fd file_;
    HeaderFrame header_;
    std::string buffer_;        // what was read from `offset_` on
    std::uint64_t offset_ = 0;  // of the buffer in the file
    std::size_t used_ = 0;      // of the buffer
    std::uint64_t damaged_ = 0;
};

}  // namespace diatom::journal
