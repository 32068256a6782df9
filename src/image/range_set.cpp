#include "image/range_set.h"

#include <algorithm>
#include <iterator>

namespace diatom::image {

void RangeSet::add(ByteRange range) {
    if (range.empty()) return;
    auto it = ranges_.upper_bound(range.begin);
    if (it != ranges_.begin() && std::prev(it)->second >= range.begin) --it;
    while (it != ranges_.end() && it->first <= range.end) {
        range = {std::min(range.begin, it->first), std::max(range.end, it->second)};
        total_ -= it->second - it->first;
        it = ranges_.erase(it);
    }
    ranges_.emplace(range.begin, range.end);
    total_ += range.size();
}

void RangeSet::remove(ByteRange range) {
    if (range.empty()) return;
    auto it = ranges_.upper_bound(range.begin);
    if (it != ranges_.begin() && std::prev(it)->second > range.begin) --it;
    while (it != ranges_.end() && it->first < range.end) {
        const ByteRange old{it->first, it->second};
        total_ -= old.size();
        it = ranges_.erase(it);
        if (old.begin < range.begin) {
            ranges_.emplace(old.begin, range.begin);
            total_ += range.begin - old.begin;
        }
        if (old.end > range.end) {
            ranges_.emplace(range.end, old.end);
            total_ += old.end - range.end;
        }
    }
}

std::uint64_t RangeSet::run_from(std::uint64_t offset) const {
    const auto it = ranges_.upper_bound(offset);
    if (it == ranges_.begin()) return offset;
    return std::max(offset, std::prev(it)->second);
}

std::optional<ByteRange> RangeSet::first_gap(std::uint64_t end) const {
    const auto begin = run_from(0);
    if (begin >= end) return std::nullopt;
    const auto next = ranges_.upper_bound(begin);
    return ByteRange{begin, next == ranges_.end() ? end : std::min(end, next->first)};
}

}  // namespace diatom::image
