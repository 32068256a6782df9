// Which bytes of one object are there: ranges, merged where they touch. Thread side: the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace diatom::image {

struct ByteRange {
    std::uint64_t begin = 0, end = 0;  // the byte behind the last
    std::uint64_t size() const noexcept { return end - begin; }
    bool empty() const noexcept { return begin >= end; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

class RangeSet {
public:
    void add(ByteRange range);
    void remove(ByteRange range);
    std::uint64_t total() const noexcept { return total_; }  // bytes
    // The end of the run that covers the byte at `offset`; `offset` itself when that byte is missing.
    std::uint64_t run_from(std::uint64_t offset) const;
    // The first missing range that begins below `end`, cut off there.
    std::optional<ByteRange> first_gap(std::uint64_t end) const;
    const std::map<std::uint64_t, std::uint64_t>& ranges() const noexcept { return ranges_; }  // begin to end

private:
    std::map<std::uint64_t, std::uint64_t> ranges_;
    std::uint64_t total_ = 0;
};

}  // namespace diatom::image
